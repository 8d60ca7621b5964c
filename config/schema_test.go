package config_test

import (
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/config"
)

// TestSchema holds that the JSON schema for editors, the struct and the
// decoder know the same keys and names.
func TestSchema(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../onward.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var s schema
	if err := json.Unmarshal(data, &s); err != nil {
		t.Fatal(err)
	}
	s.compare(t, "", reflect.TypeFor[config.Config]())
	s.Properties["migrations"].Items.compare(t, "migrations.", reflect.TypeFor[config.Migrations]())
	s.Properties["migrations"].Items.Properties["runner"].compare(t, "runner.", reflect.TypeFor[config.Runner]())
	s.Properties["preflight"].compare(t, "preflight.", reflect.TypeFor[config.Preflight]())
	s.Properties["assume"].compare(t, "assume.", reflect.TypeFor[config.Assume]())
	s.Properties["hook"].compare(t, "hook.", reflect.TypeFor[config.Hook]())
	if diff := cmp.Diff([]string{"recommended", "strict", "design", "security"}, s.Properties["presets"].Items.Enum); diff != "" {
		t.Errorf("presets (-known +schema):\n%s", diff)
	}
	for _, name := range s.Properties["fail_on"].Enum {
		if _, ok := config.ParseThreshold(name); !ok {
			t.Errorf("fail_on: the schema has %s", name)
		}
	}
}

type schema struct {
	Description string
	Properties  map[string]*schema
	Items       *schema
	Enum        []string
	Additional  any `json:"additionalProperties"`
}

// compare holds a struct's keys against an object's, and the decoder's against
// both.
func (s *schema) compare(t *testing.T, prefix string, typ reflect.Type) {
	t.Helper()
	var fields, properties []string
	for i := range typ.NumField() {
		if tag := typ.Field(i).Tag.Get("yaml"); tag != "-" {
			fields = append(fields, tag)
		}
	}
	for name, p := range s.Properties {
		properties = append(properties, name)
		if p.Description == "" {
			t.Errorf("%s%s: the schema does not describe it", prefix, name)
		}
	}
	slices.Sort(fields)
	slices.Sort(properties)
	if diff := cmp.Diff(fields, properties); diff != "" {
		t.Errorf("%s (-struct +schema):\n%s", prefix, diff)
	}
	if s.Additional != false {
		t.Errorf("%s: the schema allows unknown keys", prefix)
	}
	for _, key := range fields {
		text := key + ": ~\n"
		switch prefix {
		case "migrations.":
			text = "migrations:\n  - dir: a\n    " + strings.Replace(text, "dir: ~", "# ", 1)
		case "runner.":
			text = "migrations:\n  - dir: a\n    runner:\n      " + text
		case "assume.", "preflight.", "hook.":
			text = strings.TrimSuffix(prefix, ".") + ":\n  " + text
		}
		if _, err := config.Decode([]byte(text), "onward.yaml", known); err != nil {
			t.Errorf("the decoder does not know %s%s: %v", prefix, key, err)
		}
	}
}
