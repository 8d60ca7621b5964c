module github.com/onward-sql/onward/internal/report/readers

go 1.26.0

require (
	github.com/joshdk/go-junit v1.0.0
	github.com/owenrumney/go-sarif/v3 v3.3.1
	github.com/reviewdog/errorformat v0.0.0-20250320004447-223c26dbe212
	github.com/reviewdog/reviewdog v0.21.0
	github.com/xeipuuv/gojsonschema v1.2.0
)

require github.com/google/go-cmp v0.7.0

require (
	github.com/bahlo/generic-list-go v0.2.0 // indirect
	github.com/buger/jsonparser v1.1.2 // indirect
	github.com/haya14busa/go-sarif v0.0.0-20240630170108-a3ba8d79599f // indirect
	github.com/invopop/jsonschema v0.14.0
	github.com/onward-sql/onward v0.0.0
	github.com/pb33f/ordered-map/v2 v2.3.1 // indirect
	github.com/xeipuuv/gojsonpointer v0.0.0-20180127040702-4e3ac2762d5f // indirect
	github.com/xeipuuv/gojsonreference v0.0.0-20180127040603-bd5ef7bd5415 // indirect
	go.yaml.in/yaml/v4 v4.0.0-rc.2 // indirect
	google.golang.org/protobuf v1.36.12 // indirect
)

replace github.com/onward-sql/onward => ../../..
