module generated

go 1.19

require (
	github.com/antihax/optional v1.0.0
	golang.org/x/oauth2 v0.0.0
)

replace github.com/antihax/optional => ./optional

replace golang.org/x/oauth2 => ./oauth2
