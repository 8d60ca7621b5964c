package verify_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/verify"
)

const storeHead = "package store\n\n"

// threeVersions is a repository with the versions v1, main and feature. Only v1 reads a column that the feature's second migration drops; v1 also
// reads a column that main has dropped before.
func threeVersions(t *testing.T) string {
	t.Helper()
	dir := gittest.Commits(t, map[string]string{
		"migrations/00001_base.sql": "-- +goose Up\n" + shop + "\nALTER TABLE users ADD COLUMN born date;\n",
		"store/users.go":            storeHead + "const (\n\tread = `SELECT id, name FROM users`\n\tborn = `SELECT born FROM users`\n)\n",
	})
	commit := func(files map[string]string) {
		gittest.WriteFiles(t, dir, files)
		gittest.RunGit(t, dir, "add", "-A")
		gittest.RunGit(t, dir, "commit", "-q", "-m", "more")
	}
	gittest.RunGit(t, dir, "tag", "v1")
	commit(map[string]string{
		"migrations/00002_born.sql": "-- +goose Up\nALTER TABLE users DROP COLUMN born;\n",
		"store/users.go":            storeHead + "const read = `SELECT id, email FROM users`\n",
	})
	gittest.RunGit(t, dir, "checkout", "-q", "-b", "feature")
	commit(map[string]string{
		"migrations/00003_nick.sql": "-- +goose Up\nALTER TABLE users ADD COLUMN nick text;\n",
		"migrations/00004_name.sql": "-- +goose Up\nALTER TABLE users DROP COLUMN name;\n",
		"store/users.go":            storeHead + "const read = `SELECT id, email, nick FROM users`\n",
	})
	return dir
}

// A version that --also names must work at each point as the deployed code does. A query that fails at the base is counted
// if it never works, and needs a later schema if the release adds that schema.
func TestFurtherVersions(t *testing.T) {
	t.Parallel()
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		dir := threeVersions(t)
		cfg := on(dir, major)
		if r := run(t, cfg); verify.FirstBreaking(r) != nil || r.Summary.State == onward.StateNotSafe || r.Verification.Also != nil {
			t.Fatalf("without a further version: %+v %+v", r.Summary, r.Verdicts)
		}
		cfg.Also = []verify.Version{{Name: "v1"}, {Name: "canary", Recorded: recording(query("SELECT nick FROM users"), query("SELECT email FROM users"))}}
		r := run(t, cfg)
		v := r.Verification
		var matrix []string
		for _, p := range v.Points {
			matrix = append(matrix, fmt.Sprintf("%s: %d %d %d %d", p.After.Migration, p.Old.Errors, p.Also[0].Errors, p.Also[1].Errors, p.New.Errors))
		}
		want := []string{": 0 0 1 1", "00003_nick: 0 0 0 0", "00004_name: 0 1 0 0"}
		if diff := cmp.Diff(want, matrix); diff != "" {
			t.Error(diff)
		}
		if n := v.Also[0]; n.Name != "v1" || n.Queries != 2 || n.Unfit != 1 || n.Broken != 1 || n.Parsed == nil {
			t.Errorf("the counts of v1 are %+v, want 2 queries, 1 unfit, 1 broken", n)
		}
		if n := v.Also[1]; n.Name != "canary" || n.Queries != 2 || n.Unfit != 0 || n.Parsed != nil {
			t.Errorf("the counts of canary are %+v, want 2 recorded queries, none unfit", n)
		}
		red := verify.FirstBreaking(r)
		if red == nil || red.Code != "also:v1" || red.SQLState != "42703" || red.After.Path != "migrations/00004_name.sql" || red.Sender != "store/users.go:4" {
			t.Errorf("the first breaking query is %+v, want the one of v1 after 00004_name.sql", red)
		}
		const verdict = "This release is not safe to deploy: 1 query of v1 breaks after migrations/00004_name.sql:2."
		if r.Summary.State != onward.StateNotSafe || r.Summary.Verdict != verdict {
			t.Errorf("the summary is %+v, want the verdict %q", r.Summary, verdict)
		}
		const order = "Run the migrations, then deploy the code. No process of v1 may be left when 00004_name.sql runs."
		if v.Order != order || !v.Works || v.Phases[1].AlsoFails != 1 || v.Phases[1].Belongs != onward.BelongsEither {
			t.Errorf("the order is %q, want %q; the phases are %+v", v.Order, order, v.Phases)
		}
		checkPrinted(t, r)
	})
}

// checkPrinted checks what people and programs see of the matrix.
func checkPrinted(t *testing.T, r *onward.Report) {
	t.Helper()
	for format, want := range map[report.Format]string{
		report.FormatTerminal: "00004_name.sql:2 ok 1 breaks ok ok",
		report.FormatMarkdown: "| `00004_name.sql:2` (deploy window) | ok | **1 breaks** | ok | ok |",
		report.FormatJSON:     `"code": "also:v1"`,
		report.FormatHTML:     `<b>v1</b> <span class="dim">ok; 1 breaks after 00004_name.sql:2</span>`,
	} {
		var b strings.Builder
		if err := report.Write(&b, format, r, report.Options{Width: 120}); err != nil {
			t.Fatal(err)
		}
		if text := strings.Join(strings.Fields(b.String()), " "); !strings.Contains(text, want) {
			t.Errorf("%s has no %q:\n%s", format, want, text)
		}
		var decodedReport onward.Report
		if format == report.FormatJSON && (json.Unmarshal([]byte(b.String()), &decodedReport) != nil || len(decodedReport.Verification.Also) != 2) {
			t.Errorf("read again: %+v", decodedReport.Verification)
		}
	}
}

// A version without queries in its recording, or of a revision that does not exist, is an error: nothing would be proven.
func TestFurtherVersionErrors(t *testing.T) {
	t.Parallel()
	cfg := on(threeVersions(t), 17)
	cfg.Also = []verify.Version{{Name: "v9"}}
	if _, err := verify.Run(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "v9") {
		t.Errorf("got %v", err)
	}
	cfg.Also = []verify.Version{{Name: "canary", Recorded: recording()}}
	if _, err := verify.Run(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "--also") {
		t.Errorf("got %v", err)
	}
}
