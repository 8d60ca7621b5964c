package main

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
)

func TestMain(m *testing.M) { os.Exit(pgservertest.Main(m)) }

// The committed file is what the servers say today.
func TestCurrent(t *testing.T) {
	t.Parallel()
	all := lines{}
	for _, major := range pgservertest.Majors() {
		if err := all.readExtensions(context.Background(), pgservertest.Database(t, major)); err != nil {
			t.Fatal(err)
		}
	}
	committed, err := os.ReadFile("../" + output)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(committed), "\n"), strings.Split(all.tableText(), "\n")); diff != "" {
		t.Errorf("stale: run go generate ./internal/pgserver/member (-committed +servers):\n%s", diff)
	}
}
