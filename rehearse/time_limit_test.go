package rehearse_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/rehearse"
	"golang.org/x/tools/txtar"
)

// No statement of these takes long. Together they would take two minutes.
var slowStatements = "-- +goose Up\nCREATE TABLE t (id int);\n" + strings.Repeat("SELECT pg_sleep(1);\n", 120)

// TestTotalEndsRelease: the time of the whole rehearsal ends a release of many short statements, and the report says so.
func TestTotalEndsRelease(t *testing.T) {
	t.Parallel()
	dir := branch(t, "-- +goose Up\nCREATE TABLE u (id int);\n", []txtar.File{{Name: "00002_slow.sql", Data: []byte(slowStatements)}})
	start := time.Now()
	r, err := rehearse.Run(t.Context(), rehearse.Config{Config: audit.Config{Dir: dir}, Majors: []int{onward.NewestMajor}, Total: 15 * time.Second, Down: true})
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took > time.Minute {
		t.Errorf("it took %v", took)
	}
	if !slices.ContainsFunc(r.Findings, func(f onward.Finding) bool {
		return f.Rule == "rehearsal-not-finished" && strings.Contains(f.Fact, "the rehearsal's 15s were over (--limit)")
	}) {
		t.Errorf("no finding says that the time was over: %+v", r.Findings)
	}
	for _, want := range []string{"the release was not tried a second time", "the down migrations were not run"} {
		if notes := r.Rehearsals[0].Notes; !slices.ContainsFunc(notes, func(n string) bool { return strings.HasPrefix(n, want) }) {
			t.Errorf("no note %q: %q", want, notes)
		}
	}
}

// TestTotalEndsBase: a history that takes too long ends with its place.
func TestTotalEndsBase(t *testing.T) {
	t.Parallel()
	dir := branch(t, slowStatements, []txtar.File{{Name: "00002_next.sql", Data: []byte("-- +goose Up\nALTER TABLE t ADD COLUMN x int;\n")}})
	start := time.Now()
	_, err := rehearse.Run(t.Context(), rehearse.Config{Config: audit.Config{Dir: dir}, Majors: []int{onward.NewestMajor}, Total: 10 * time.Second})
	var broken *rehearse.BaseError
	if !errors.As(err, &broken) || broken.Migration != "00001_base" || !strings.Contains(err.Error(), "the rehearsal's 10s were over (--limit)") {
		t.Errorf("Run with a base slower than the limit: %v, want a BaseError of 00001_base that names --limit", err)
	}
	if took := time.Since(start); took > time.Minute {
		t.Errorf("it took %v", took)
	}
}
