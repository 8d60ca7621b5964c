package readers

import (
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/invopop/jsonschema"
	"github.com/xeipuuv/gojsonschema"

	"github.com/onward-sql/onward/onward"
)

var update = flag.Bool("update", false, "write the schema of the report")

const file = "../../../report.schema.json"

// reportSchema describes the report as its types are, with their comments.
func reportSchema(t *testing.T) []byte {
	t.Helper()
	// A type with a JSON form of its own is a text there.
	texts := map[reflect.Type][]any{}
	for _, s := range []onward.Severity{onward.Info, onward.Warning, onward.Error} {
		texts[reflect.TypeOf(s)] = append(texts[reflect.TypeOf(s)], s.String())
	}
	for l := onward.AccessShareLock; l <= onward.AccessExclusiveLock; l++ {
		texts[reflect.TypeOf(l)] = append(texts[reflect.TypeOf(l)], l.String())
	}
	for w := onward.NoWork; w <= onward.Rewrite; w++ {
		texts[reflect.TypeOf(w)] = append(texts[reflect.TypeOf(w)], w.String())
	}
	r := jsonschema.Reflector{AllowAdditionalProperties: true, Mapper: func(of reflect.Type) *jsonschema.Schema {
		if list, ok := texts[of]; ok {
			return &jsonschema.Schema{Type: "string", Enum: list}
		}
		return nil
	}}
	if err := r.AddGoComments("github.com/onward-sql/onward/internal/report/readers", "../../../onward"); err != nil {
		t.Fatal(err)
	}
	s := r.Reflect(&onward.Report{})
	s.ID = "https://raw.githubusercontent.com/onward-sql/onward/main/report.schema.json"
	s.Title = "A report of onward, as --format json prints it"
	s.Version = "https://json-schema.org/draft/2020-12/schema"
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(text, '\n')
}

// The published schema is the schema of the types, and the reports in the tests conform
// to it.
func TestSchema(t *testing.T) {
	t.Parallel()
	want := reportSchema(t)
	if *update {
		if err := os.WriteFile(file, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	is, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(is)); diff != "" {
		t.Errorf("report.schema.json is stale: go test -update in internal/report/readers writes it (-want +is):\n%s", diff)
	}
	schema, err := gojsonschema.NewSchema(gojsonschema.NewBytesLoader(is))
	if err != nil {
		t.Fatal(err)
	}
	valid := func(text string) []gojsonschema.ResultError {
		r, err := schema.Validate(gojsonschema.NewStringLoader(text))
		if err != nil {
			t.Fatal(err)
		}
		return r.Errors()
	}
	if len(valid(`{"schema":"onward.report/1","findings":[{"severity":"fatal"}]}`)) == 0 {
		t.Error("nothing is refused")
	}
	each(t, "out.json", func(t *testing.T, name, text string) {
		var head struct{ Schema string }
		if json.Unmarshal([]byte(text), &head) != nil || head.Schema != onward.ReportSchema {
			return // it is what another command prints
		}
		for _, wrong := range valid(text) {
			t.Errorf("%s breaks report.schema.json: %v", name, wrong)
		}
	})
}
