// The calls of ../../programs/calls.ts, with the client of OpenAPI Generator.
package main

import (
	"context"
	"encoding/json"
	"os"

	"generated/hostkey"

	"github.com/antihax/optional"
)

func need(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	configuration := hostkey.NewConfiguration()
	configuration.BasePath = os.Args[1]
	bucketName := os.Args[3]
	client := hostkey.NewAPIClient(configuration)
	ctx := context.WithValue(context.Background(), hostkey.ContextAccessToken, os.Args[2])

	accounts, _, err := client.AccountsApi.ListAccounts(ctx, nil)
	need(err)
	s3uid := accounts.Items[0].S3uid
	list, _, err := client.BucketsApi.ListBuckets(ctx, s3uid, nil)
	need(err)
	buckets := []string{}
	for _, bucket := range list.Items {
		buckets = append(buckets, bucket.Name)
	}
	files, _, err := client.FilesApi.ListFiles(ctx, s3uid, buckets[0], &hostkey.ListFilesOpts{Limit: optional.NewInt32(10)})
	need(err)
	usage, _, err := client.UsageApi.GetUsage(ctx, s3uid, nil)
	need(err)
	offers, _, err := client.PlansApi.ListPlans(ctx, nil)
	need(err)
	plans := []int32{}
	order := hostkey.NewOrder{PlanId: 2, BucketName: bucketName, Location: "NL"}
	for _, plan := range offers.Items {
		plans = append(plans, plan.Id)
		if plan.Id == order.PlanId {
			// This generator cannot leave out an optional object.
			order.ExpectedPrice = plan.Price
		}
	}
	ordered, _, err := client.OrdersApi.CreateOrder(ctx, "order-for-"+bucketName, order)
	need(err)
	need(json.NewEncoder(os.Stdout).Encode(map[string]interface{}{
		"s3uid": s3uid, "buckets": buckets, "files": len(files.Items), "quotaBytes": usage.QuotaBytes,
		"plans": plans, "ordered": ordered.S3uid,
	}))
}
