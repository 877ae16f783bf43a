// The gateway's routes in Go's standard library: net/http on both sides, encoding/json.
package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

var client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, Timeout: 10 * time.Second}

type snapshot struct {
	BandwidthUsage float64 `json:"bandwidth_usage"`
	StorageUsage   float64 `json:"storage_usage"`
	CreatedAt      string  `json:"created_at"`
}

// What s3.php answers to all four actions.
type envelope struct {
	Result    string          `json:"result"`
	Message   json.RawMessage `json:"message"`
	Bandwidth float64         `json:"bandwidth"`
	Snapshot  snapshot        `json:"snapshot"`
	Files     []struct {
		Key          string `json:"key"`
		OriginalKey  string `json:"original_key"`
		Size         int64  `json:"size"`
		LastModified string `json:"last_modified"`
	} `json:"files"`
	Folders []struct {
		Key string `json:"key"`
	} `json:"folders"`
	NextToken *string `json:"next_token"`
	Plans     []struct {
		ID             int      `json:"id"`
		Name           string   `json:"name"`
		Active         int      `json:"active"`
		Quota          int64    `json:"quota"`
		Locations      []string `json:"locations"`
		StorageType    string   `json:"storage_type"`
		BandwidthLimit float64  `json:"bandwidth_limit"`
		Price          struct {
			EUR float64 `json:"monthly_eur"`
			USD float64 `json:"monthly_usd"`
			RUB float64 `json:"monthly_rub"`
		} `json:"price"`
	} `json:"plans"`
}

type usage struct {
	StorageBytes float64 `json:"storageBytes"`
	Bandwidth    float64 `json:"bandwidth"`
	CreatedAt    string  `json:"createdAt"`
}
type bucket struct {
	Name      string `json:"name"`
	CreatedAt string `json:"createdAt"`
}
type bucketList struct {
	Items     []bucket `json:"items"`
	Bandwidth float64  `json:"bandwidth"`
	Snapshot  usage    `json:"snapshot"`
}
type links struct {
	Self string `json:"self"`
}
type file struct {
	Path       string `json:"path"`
	Name       string `json:"name"`
	SizeBytes  int64  `json:"sizeBytes"`
	ModifiedAt string `json:"modifiedAt"`
	Links      links  `json:"links"`
}
type folder struct {
	Path string `json:"path"`
}
type fileList struct {
	Items      []file   `json:"items"`
	Folders    []folder `json:"folders"`
	NextCursor *string  `json:"nextCursor"`
	Complete   bool     `json:"complete"`
}
type price struct {
	EUR float64 `json:"monthlyEur"`
	USD float64 `json:"monthlyUsd"`
	RUB float64 `json:"monthlyRub"`
}
type plan struct {
	ID             int      `json:"id"`
	Name           string   `json:"name"`
	Active         bool     `json:"active"`
	QuotaBytes     int64    `json:"quotaBytes"`
	Locations      []string `json:"locations"`
	StorageType    string   `json:"storageType"`
	BandwidthLimit float64  `json:"bandwidthLimit"`
	Price          price    `json:"price"`
}
type planList struct {
	Items []plan `json:"items"`
}

func instant(theirs string) string {
	at, err := time.Parse(time.RFC3339, theirs)
	if err != nil {
		return ""
	}
	return at.UTC().Format(time.RFC3339)
}

func call(r *http.Request, action string, params url.Values) (e envelope, ok bool) {
	params.Set("action", action)
	params.Set("token", strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	reply, err := client.PostForm(os.Getenv("UPSTREAM")+"/s3.php", params)
	if err != nil {
		return e, false
	}
	defer reply.Body.Close()
	err = json.NewDecoder(reply.Body).Decode(&e)
	return e, err == nil && e.Result == "OK"
}

func toBuckets(e envelope) any {
	var listed []struct {
		Name         string `json:"name"`
		CreationDate string `json:"creation_date"`
	}
	if json.Unmarshal(e.Message, &listed) != nil {
		return nil
	}
	items := make([]bucket, len(listed))
	for i, theirs := range listed {
		items[i] = bucket{theirs.Name, instant(theirs.CreationDate)}
	}
	s := e.Snapshot
	return bucketList{items, e.Bandwidth, usage{s.StorageUsage, s.BandwidthUsage, instant(s.CreatedAt)}}
}

func toFiles(e envelope, address string) any {
	list := fileList{make([]file, len(e.Files)), make([]folder, len(e.Folders)), e.NextToken, e.NextToken == nil}
	for i, theirs := range e.Files {
		self := links{address + "?path=" + url.QueryEscape(theirs.OriginalKey)}
		list.Items[i] = file{theirs.OriginalKey, theirs.Key, theirs.Size, instant(theirs.LastModified), self}
	}
	for i, theirs := range e.Folders {
		list.Folders[i] = folder{theirs.Key}
	}
	return list
}

func toPlans(e envelope) any {
	items := make([]plan, len(e.Plans))
	for i, t := range e.Plans {
		prices := price{t.Price.EUR, t.Price.USD, t.Price.RUB}
		items[i] = plan{t.ID, t.Name, t.Active != 0, t.Quota, t.Locations, t.StorageType, t.BandwidthLimit, prices}
	}
	return planList{items}
}

func serve(w http.ResponseWriter, r *http.Request) {
	var e envelope
	var ok bool
	var body any
	at := strings.Split(r.URL.Path, "/")
	switch {
	case r.URL.Path == "/plans":
		if e, ok = call(r, "list_plans", url.Values{}); ok {
			body = toPlans(e)
		}
	case len(at) == 4:
		if e, ok = call(r, "get_buckets", url.Values{"s3uid": {at[2]}}); ok {
			body = toBuckets(e)
		}
	case len(at) == 6 && r.Method == "DELETE":
		params := url.Values{"s3uid": {at[2]}, "bucket_name": {at[4]}, "filename": {r.URL.Query().Get("path")}}
		_, ok = call(r, "delete_file", params)
	case len(at) == 6:
		params := url.Values{"s3uid": {at[2]}, "bucket_name": {at[4]}, "max_keys": {"100"}}
		if e, ok = call(r, "get_files", params); ok {
			body = toFiles(e, r.URL.Path)
		}
	}
	if !ok {
		w.WriteHeader(http.StatusBadGateway)
	} else if body == nil {
		w.WriteHeader(http.StatusNoContent)
	} else {
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(body)
	}
}

func main() {
	panic(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), http.HandlerFunc(serve)))
}
