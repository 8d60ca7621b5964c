package realrunners

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/pressly/goose/v3"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	gooseadapter "github.com/onward-sql/onward/internal/adapter/goose"
	"github.com/onward-sql/onward/onward"
)

// runGoose lets goose run one file, upwards or downwards, against a driver that writes down what it
// is asked.
func runGoose(t *testing.T, text string, up bool) ([]string, error) {
	t.Helper()
	rec := &recorder{}
	db := sql.OpenDB(rec)
	defer db.Close()
	fsys := fstest.MapFS{"00001_x.sql": &fstest.MapFile{Data: []byte(text)}}
	p, err := goose.NewProvider(goose.DialectPostgres, db, fsys,
		goose.WithDisableVersioning(true), goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		t.Fatal(err)
	}
	if up {
		_, err = p.Up(t.Context())
	} else {
		_, err = p.ApplyVersion(t.Context(), 1, false)
	}
	return rec.calls, err
}

// readGoose is what the adapter says goose will ask.
func readGoose(t *testing.T, text string) ([]string, *adapter.Migration) {
	t.Helper()
	tree := adaptertest.Text(map[string]string{"00001_x.sql": text})
	set, err := gooseadapter.Adapter.Load(context.Background(), tree, adapter.Source{Framework: "goose"})
	if err != nil {
		t.Fatal(err)
	}
	m := set.Migrations[0]
	var calls []string
	if m.Source.Mode == onward.TransactionFile {
		calls = append(calls, "BEGIN")
	}
	for _, p := range m.Source.Parts {
		calls = append(calls, p.SQL)
	}
	if m.Source.Mode == onward.TransactionFile {
		calls = append(calls, "COMMIT")
	}
	return calls, m
}

// lines are what random files are made of: every annotation, right and wrong,
// and lines that are hard to cut.
var lines = []string{
	"-- +goose Up", "-- +goose Up", "-- +goose Down", "-- +goose StatementBegin", "-- +goose StatementEnd",
	"-- +goose NO TRANSACTION", "--+goose down", "-- +GOOSE Up", "  -- +goose Up", "-- +goose", "-- +goose Sideways", "-- about +goose",
	"SELECT 1;", "SELECT 2; SELECT 3;", "SELECT 4", ";", "SELECT 5; -- five", "SELECT 6;-- six", "-- a comment", "  -- indented;", "", "   ",
	"SELECT $$ a", "b; $$;", "SELECT $$;", "/* ;", "*/ SELECT 7;", "SELECT 'x;", "y';", "SELECT \"a;", "\";", "SELECT (1;", ");", "\t", "-- +goose Up -- now",
	"CREATE FUNCTION f() BEGIN ATOMIC SELECT 1;", "END;", "SELECT 8 ;  ",
}

var annotation = regexp.MustCompile(`(?m)^--.*\+goose.*(\n|$)`)

// goose runs a file as the adapter describes it: the same messages in the same
// transaction, or the predicted refusal.
func TestGooseDoesWhatTheAdapterSays(t *testing.T) {
	t.Parallel()
	const files = 20_000
	random := rand.New(rand.NewPCG(1, 2))
	ran, refused, cuts := 0, 0, 0
	for range files {
		text := ""
		if random.IntN(10) > 0 {
			text = "-- +goose Up\n"
		}
		end := "\n"
		if random.IntN(8) == 0 {
			end = "\r\n"
		}
		for range random.IntN(9) {
			text += lines[random.IntN(len(lines))] + end
		}
		if random.IntN(4) == 0 {
			text = strings.TrimSuffix(text, end)
		}
		got, err := runGoose(t, text, true)
		want, m := readGoose(t, text)
		refusal, misread := "", ""
		for _, p := range m.Problems {
			if strings.Contains(p.Message, "goose ends the statement") || strings.Contains(p.Message, "this line follows an empty") {
				misread = p.Message
			} else {
				refusal = p.Message
			}
		}
		if (err != nil) != (refusal != "") {
			t.Fatalf("goose says %v, the adapter says %q, of\n%s", err, refusal, text)
		}
		switch {
		case err != nil:
			refused++
		case misread != "":
			cuts++ // put together again, so it cannot be the same
		default:
			ran++
			// goose converts both line ends to one, and removes annotations from the
			// middle of a statement, where they are comments.
			for i := range want {
				text := annotation.ReplaceAllString(strings.ReplaceAll(want[i], "\r\n", "\n"), "")
				want[i] = strings.TrimSpace(text)
			}
			got = slicesDelete(got, "")
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("(-adapter +goose):\n%s\nof\n%s", diff, text)
			}
		}
	}
	t.Logf("%d ran, %d refused, %d cut wrongly", ran, refused, cuts)
	if ran < files/20 || refused < files/20 || cuts < files/100 {
		t.Error("the random files show too little")
	}
}

// slicesDelete takes out calls without text: goose sends an empty statement
// for an empty StatementBegin/StatementEnd pair.
func slicesDelete(list []string, drop string) []string {
	var out []string
	for _, s := range list {
		if s != drop {
			out = append(out, s)
		}
	}
	return out
}

// The files of the adapter's own project, one by one.
func TestGooseProject(t *testing.T) {
	t.Parallel()
	tree := adaptertest.Disk(t, "../goose/testdata/shop")
	tested := 0
	for _, path := range tree.Paths() {
		if !strings.HasSuffix(path, ".sql") || strings.Contains(path, "_env") {
			continue
		}
		tested++
		content, err := tree.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		got, err := runGoose(t, string(content), true)
		want, m := readGoose(t, string(content))
		if len(m.Problems) > 0 {
			if err == nil && cmp.Equal(want, got) {
				t.Errorf("%s: goose runs it as meant, and the adapter says %+v", path, m.Problems)
			}
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-adapter +goose):\n%s", path, err, diff)
		}
	}
	if tested < 8 {
		t.Errorf("only %d files", tested)
	}
}

// Two files with one number, and an odd byte order mark.
func TestGooseRefusals(t *testing.T) {
	t.Parallel()
	good := &fstest.MapFile{Data: []byte("-- +goose Up\nSELECT 1;\n")}
	for name, tc := range map[string]struct {
		fsys fstest.MapFS
		want string
	}{
		"duplicate":    {fstest.MapFS{"1_a.sql": good, "01_b.sql": good}, "found duplicate migration version 1"},
		"no number":    {fstest.MapFS{"a_b.sql": good}, "no migrations found"},
		"no separator": {fstest.MapFS{"1-b.sql": good}, "no migrations found"},
		"zero":         {fstest.MapFS{"0_b.sql": good}, "no migrations found"},
	} {
		_, err := goose.NewProvider(goose.DialectPostgres, sql.OpenDB(&recorder{}), tc.fsys, goose.WithDisableGlobalRegistry(true))
		if err == nil || !strings.Contains(err.Error(), tc.want) && !strings.Contains(fmt.Sprint(err), "no migrations") {
			t.Errorf("%s: %v, want %q", name, err, tc.want)
		}
	}
	if _, err := runGoose(t, "\ufeff-- +goose Up\nSELECT 1;\n", true); err == nil {
		t.Error("goose accepts a byte order mark")
	}
}
