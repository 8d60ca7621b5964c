package sql

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/onward"
)

// Every tool's markers: what is the up migration, and how it is sent.
func TestMarkers(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		text string
		mode onward.Transaction
		want []string // parts; "> " for a message of its own
	}{
		"none":                       {"SELECT 1;\n-- migrate the rows\nSELECT 2;\n", onward.TransactionNone, []string{"SELECT 1;\n-- migrate the rows\nSELECT 2;"}},
		"dbmate":                     {"-- migrate:up\nSELECT 1;\n\n-- migrate:down\nSELECT 2;\n", onward.TransactionFile, []string{"> SELECT 1;"}},
		"dbmate without transaction": {"-- migrate:up transaction:false\nSELECT 1;\n-- migrate:down\n", onward.TransactionMessage, []string{"> SELECT 1;"}},
		"dbmate, only the down migration without": {
			"-- migrate:up\nSELECT 1;\n-- migrate:down transaction:false\nSELECT 2;\n", onward.TransactionFile, []string{"> SELECT 1;"},
		},
		"sql-migrate":                     {"-- +migrate Up\nSELECT 1;\n-- +migrate Down\nSELECT 2;\n", onward.TransactionFile, []string{"SELECT 1;"}},
		"sql-migrate without transaction": {"-- +migrate Up notransaction\nSELECT 1;\n", onward.TransactionNone, []string{"SELECT 1;"}},
		"tern":                            {"SELECT 1;\n---- create above / drop below ----\nSELECT 2;\n", onward.TransactionFile, []string{"> SELECT 1;"}},
		"tern without transaction": {
			"---- tern: disable-tx ----\nSELECT 1;\n---- create above / drop below ----\nSELECT 2;\n", onward.TransactionNone,
			[]string{"---- tern: disable-tx ----\nSELECT 1;"},
		},
		"node-pg-migrate": {"-- Up Migration\nSELECT 1;\n-- Down Migration\nSELECT 2;\n", onward.TransactionFile, []string{"> SELECT 1;"}},
		"rambler, twice": {
			"-- rambler up\nSELECT 1;\n-- rambler down\nSELECT 2;\n-- rambler up\nSELECT 3;\n", onward.TransactionFile,
			[]string{"> SELECT 1;", "> SELECT 3;"},
		},
		"Play":    {"# --- !Ups\nSELECT 1;\n# --- !Downs\nSELECT 2;\n", onward.TransactionNone, []string{"SELECT 1;"}},
		"MyBatis": {"-- // first\nSELECT 1;\n-- //@UNDO\nSELECT 2;\n", onward.TransactionFile, []string{"-- // first\nSELECT 1;"}},
		"tern, only the down migration without": {
			"SELECT 1;\n---- create above / drop below ----\n---- tern: disable-tx ----\nSELECT 2;\n", onward.TransactionFile, []string{"> SELECT 1;"},
		},
		"node-pg-migrate, no marker of the up migration": {
			"SELECT 1;\n-- Down Migration\nSELECT 2;\n", onward.TransactionFile, []string{"> SELECT 1;\n-- Down Migration\nSELECT 2;"},
		},
		"node-pg-migrate, markers with blanks and dashes": {
			"SET lock_timeout = 0;\n  ---- up migration\nSELECT 1;\n ---- down migration\nSELECT 2;\n", onward.TransactionFile, []string{"> SELECT 1;"},
		},
		"down before up":        {"-- migrate:down\nSELECT 2;\n-- migrate:up\nSELECT 1;\n", onward.TransactionFile, []string{"> SELECT 1;"}},
		"CRLF":                  {"-- migrate:up\r\nSELECT 1;\r\n-- migrate:down\r\nSELECT 2;\r\n", onward.TransactionFile, []string{"> SELECT 1;"}},
		"a down migration only": {"-- migrate:down\nSELECT 2;\n", onward.TransactionFile, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tree := adaptertest.Text(map[string]string{"migrations/1_a.sql": tc.text})
			set, err := Adapter{}.Load(context.Background(), tree, adapter.Source{Framework: Name, Dir: "migrations"})
			if err != nil {
				t.Fatal(err)
			}
			m := set.Migrations[0]
			var got []string
			for _, p := range m.Source.Parts {
				if p.Message {
					p.SQL = "> " + p.SQL
				}
				got = append(got, p.SQL)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" || m.Source.Mode != tc.mode {
				t.Errorf("mode %s, want %s; parts (-want +got):\n%s", m.Source.Mode, tc.mode, diff)
			}
		})
	}
}

// The configuration has the last word on the transaction, and the hash tells
// the difference.
func TestTransactionOption(t *testing.T) {
	t.Parallel()
	tree := adaptertest.Text(map[string]string{"m/1_a.sql": "SELECT 1;"})
	hashes := map[string]bool{}
	for _, mode := range []onward.Transaction{onward.TransactionFile, onward.TransactionMessage, onward.TransactionNone} {
		set, err := Adapter{}.Load(context.Background(), tree, adapter.Source{
			Framework: Name, Dir: "m", Options: adapter.Options{Transaction: mode},
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := set.Migrations[0].Source.Mode; got != mode {
			t.Errorf("mode %s, want %s", got, mode)
		}
		hashes[set.Migrations[0].Hash] = true
	}
	if len(hashes) != 3 {
		t.Errorf("%d hashes for 3 modes", len(hashes))
	}
}

func TestForward(t *testing.T) {
	t.Parallel()
	for names, want := range map[string]string{
		"10.sql 2.sql 1.sql":                               "1.sql 2.sql 10.sql",
		"1_a.sql 1_a_down.sql 2_b.up.sql 2_b.down.sql":     "1_a.sql 2_b.up.sql",
		"1_a_up.sql 1_a_down.sql 2_slow_down.sql":          "1_a_up.sql",
		"1-a-up.sql 1-a-down.sql 2-b-up.sql 2-b-down.sql":  "1-a-up.sql 2-b-up.sql", // db-migrate
		"1_add_rollback.sql 2_slow_down.sql":               "1_add_rollback.sql 2_slow_down.sql",
		"1_a.sql 1_a_rollback.sql rollback_all.sql":        "1_a.sql",
		"1_a.sql schema.sql seed.sql":                      "1_a.sql",
		"a.sql b.sql schema.sql":                           "a.sql b.sql",
		"V2__b.sql V10__c.sql V1_1__d.sql U2__b.sql":       "V1_1__d.sql V2__b.sql V10__c.sql",
		"R__view.sql V1__a.sql":                            "V1__a.sql R__view.sql",
		"2024-01-10_b.sql 2024-01-9_a.sql 2024-02-01_.sql": "2024-01-9_a.sql 2024-01-10_b.sql 2024-02-01_.sql",
	} {
		tree := adaptertest.Files{}
		for n := range strings.FieldsSeq(names) {
			tree[n] = []byte("SELECT 1;")
		}
		got, _, _ := separateUpsAndDowns(adapter.ListDir(tree, "", ".sql"))
		if strings.Join(got, " ") != want {
			t.Errorf("%s: got %v, want %s", names, got, want)
		}
	}
}

// A line with a hint is not passed over for want of a letter.
func TestHinted(t *testing.T) {
	t.Parallel()
	for _, h := range slices.Concat(hints.lettered, hints.plain) {
		if !hasHint("-- " + h) {
			t.Errorf("%q is not seen", h)
		}
	}
	if hasHint("-- migrate the rows") {
		t.Error("a remark is taken for a marker")
	}
}
