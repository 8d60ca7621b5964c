package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/adapter/jsrun"
)

// TestMain lets the test's program run migrations.
func TestMain(m *testing.M) {
	jsrun.RunChild()
	os.Exit(m.Run())
}

// TestPages holds that what the pages quote is what onward says today.
func TestPages(t *testing.T) {
	t.Parallel()
	docs := filepath.Join("..", "..", "..", "docs")
	pages, err := makePages(t.Context(), docs)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range pages {
		got, err := os.ReadFile(filepath.Join(docs, name))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("docs/%s is stale: go generate ./internal/site:\n%s", name, diff)
		}
	}
	files, err := filepath.Glob(filepath.Join(docs, "frameworks", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if _, ok := pages["frameworks/"+filepath.Base(file)]; !ok {
			t.Errorf("%s is made of nothing: remove it", file)
		}
	}
}

// TestErrors: an accident of which onward said nothing, or a tool without a row, is no page.
func TestErrors(t *testing.T) {
	t.Parallel()
	if _, err := findToolRow("| a | b | c | d |\n", "e"); err == nil {
		t.Error("a row that is not there")
	}
	row, err := findToolRow("| [a](frameworks/a.md) | see [x](x.md) | c | <https://e.org> |\n", "a")
	if err != nil || strings.Join(row, ",") != "[a](../frameworks/a.md),see [x](../x.md),c,<https://e.org>" {
		t.Errorf("findToolRow = %q, %v, want the cells with links from one folder deeper", row, err)
	}
	if _, err := parseExample([]byte("title\n\nprose\n")); err == nil {
		t.Error("a head without a value")
	}
}
