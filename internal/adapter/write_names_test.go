package adapter_test

import (
	"strings"
	"testing"
	"time"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/onward"
)

// Names that begin with a moment with signs in it go on in the form of the last one.
func TestNamesWithMoments(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for want, names := range map[string][]string{
		"2026-01-02-030405_x":      {"2024-01-01-000000_a", "2024-01-02-000000_b"},
		"2026-01-02-030405-0000_x": {"2024-01-01-000000_a", "2024-01-02-000000-0000_b"},
		"2030-01-02-000001_x":      {"2024-01-01-000000_a", "2030-01-02-000000_b"}, // after one in the future
		"20260102030405_x":         {"2024-01-01-000000_a", "20240102000000_b"},
		"2026-01-02-030405_y":      {"20240102000000_b", "2024-01-03-000000_a"},
		"2026-01-02-030405_z":      {"00000000000000_initial_setup"},
		"0003_x":                   {"0001_a", "0002_b"},
	} {
		set := &adapter.Set{Source: adapter.Source{Dir: "m"}}
		for _, n := range names {
			set.Migrations = append(set.Migrations, &adapter.Migration{Path: "m/" + n + "/up.sql"})
		}
		form := &adapter.Form{Up: "/up.sql", Texts: true, Moments: "2006-01-02-150405", Settings: "/set", SettingsAlone: "alone"}
		w, err := adapter.NewWriting(adaptertest.Files{}, set, form, now)
		if err != nil {
			t.Errorf("NewWriting for %s: %v", want, err)
			continue
		}
		files, err := w.Files(nil, &onward.PlanStep{SQL: "SELECT 1;", Transaction: onward.TransactionNone}, want[strings.LastIndex(want, "_")+1:])
		if err != nil || len(files) != 2 || files[0].Path != "m/"+want+"/up.sql" || files[1].Path != "m/"+want+"/set" {
			t.Errorf("Files = %+v, %v, want up.sql and set of %s", files, err, want)
		}
		if _, edits := w.(adapter.Editor); edits {
			t.Errorf("%s: a file is to be rewritten alone whose settings are beside it", want)
		}
	}
}
