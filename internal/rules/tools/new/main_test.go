package main

import (
	"go/format"
	"os"
	"strings"
	"testing"
)

// The code of a new rule is as gofmt writes it, in the folder of its subject.
func TestScaffoldIsFormatted(t *testing.T) {
	t.Chdir(t.TempDir())
	for file, names := range map[string][]string{
		"internal/rules/index/create_blocking.go":    {"index-create-blocking"},
		"internal/rules/removal/index_rename.go":     {"index-rename", "removal"},
		"internal/rules/type/change_x.go":            {"type-change-x"},
		"internal/rules/table/very_long_name_now.go": {"table-very-long-name-now"},
	} {
		if err := scaffoldRule(names[0], names[1:]...); err != nil {
			t.Fatal(err)
		}
		code, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		formatted, err := format.Source(code)
		if err != nil || string(formatted) != string(code) || !strings.Contains(string(code), names[0]) {
			t.Errorf("%s is not as gofmt writes it, or lacks its rule's ID: %v\n%s", file, err, code)
		}
	}
	if err := scaffoldRule("index-create-blocking"); err == nil {
		t.Error("a rule is written twice")
	}
}
