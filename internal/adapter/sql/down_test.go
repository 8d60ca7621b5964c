package sql

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/onward"
)

// Every tool's down migration: what it is, and how it is sent.
func TestDown(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		files map[string]string
		mode  onward.Transaction
		want  []string // parts; "> " for a message of its own
	}{
		"dbmate":          {one("-- migrate:up\nSELECT 1;\n\n-- migrate:down\nSELECT 2;\n"), onward.TransactionFile, []string{"> SELECT 2;"}},
		"dbmate, without": {one("-- migrate:up\nSELECT 1;\n-- migrate:down transaction:false\nSELECT 2;\n"), onward.TransactionMessage, []string{"> SELECT 2;"}},
		"dbmate, only up": {one("-- migrate:up transaction:false\nSELECT 1;\n-- migrate:down\nSELECT 2;\n"), onward.TransactionFile, []string{"> SELECT 2;"}},
		"dbmate, nothing": {one("-- migrate:up\nSELECT 1;\n-- migrate:down\n"), "", nil},
		"sql-migrate": {
			one("-- +migrate Up\nSELECT 1;\n-- +migrate Down\nSELECT 2;\nSELECT 3;\n"), onward.TransactionFile,
			[]string{"SELECT 2;\nSELECT 3;"},
		},
		"sql-migrate, without": {one("-- +migrate Up\nSELECT 1;\n-- +migrate Down notransaction\nSELECT 2;\n"), onward.TransactionNone, []string{"SELECT 2;"}},
		"tern":                 {one("SELECT 1;\n---- create above / drop below ----\nSELECT 2;\n"), onward.TransactionFile, []string{"> SELECT 2;"}},
		"tern, only up": {
			one("---- tern: disable-tx ----\nSELECT 1;\n---- create above / drop below ----\nSELECT 2;\n"), onward.TransactionFile, []string{"> SELECT 2;"},
		},
		"goose as plain SQL": {one("-- +goose NO TRANSACTION\n-- +goose Up\nSELECT 1;\n-- +goose Down\nSELECT 2;\n"), onward.TransactionNone, []string{"SELECT 2;"}},
		"rambler, twice": {
			one("-- rambler up\nSELECT 1;\n-- rambler down\nSELECT 2;\n-- rambler up\nSELECT 3;\n-- rambler down\nSELECT 4;\n"),
			onward.TransactionFile, []string{"> SELECT 2;", "> SELECT 4;"},
		},
		"down before up": {one("-- migrate:down\nSELECT 2;\n-- migrate:up\nSELECT 1;\n"), onward.TransactionFile, []string{"> SELECT 2;"}},
		"MyBatis":        {one("SELECT 1;\n-- //@UNDO\nSELECT 2;\n"), onward.TransactionFile, []string{"SELECT 2;"}},
		"Diesel": {
			map[string]string{"m/2024-01-01-000000_a/up.sql": "SELECT 1;", "m/2024-01-01-000000_a/down.sql": "SELECT 2;"},
			onward.TransactionFile, []string{"> SELECT 2;"},
		},
		"Diesel, without": {
			map[string]string{
				"m/2024-01-01-000000_a/up.sql": "SELECT 1;", "m/2024-01-01-000000_a/down.sql": "SELECT 2;",
				"m/2024-01-01-000000_a/metadata.toml": "run_in_transaction = false\n",
			},
			onward.TransactionMessage, []string{"> SELECT 2;"},
		},
		"go-pg":     {map[string]string{"m/1_a.tx.up.sql": "SELECT 1;", "m/1_a.tx.down.sql": "SELECT 2;"}, onward.TransactionFile, []string{"> SELECT 2;"}},
		"a pair":    {map[string]string{"m/1_a.up.sql": "SELECT 1;", "m/1_a.down.sql": "SELECT 2;"}, onward.TransactionNone, []string{"SELECT 2;"}},
		"NAME_down": {map[string]string{"m/1_a.sql": "SELECT 1;", "m/1_a_down.sql": "SELECT 2;"}, onward.TransactionNone, []string{"SELECT 2;"}},
		"none":      {one("SELECT 1;"), "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tree := adaptertest.Text(tc.files)
			s := adapter.Source{Framework: Name, Dir: "m"}
			set, err := Adapter{}.Load(t.Context(), tree, s)
			if err != nil {
				t.Fatal(err)
			}
			m := set.Migrations[0]
			down, err := Adapter{}.Down(tree, s, m)
			if err != nil {
				t.Fatal(err)
			}
			if down == nil || tc.mode == "" {
				if down != nil || tc.mode != "" {
					t.Errorf("the down migration: %+v, want mode %q", down, tc.mode)
				}
				return
			}
			var got []string
			for _, p := range down.Parts {
				if down.Text[p.Start:p.Start+len(p.SQL)] != p.SQL {
					t.Errorf("not what stands at %d: %q", p.Start, p.SQL)
				}
				if p.Message {
					p.SQL = "> " + p.SQL
				}
				got = append(got, p.SQL)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" || down.Mode != tc.mode {
				t.Errorf("mode %s, want %s; parts (-want +got):\n%s", down.Mode, tc.mode, diff)
			}
		})
	}
}

func one(text string) map[string]string { return map[string]string{"m/1_a.sql": text} }
