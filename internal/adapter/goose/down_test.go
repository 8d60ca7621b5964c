package goose

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/onward"
)

func TestDown(t *testing.T) {
	t.Parallel()
	const body = "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$\nSELECT 1;\n$$;"
	for name, tc := range map[string]struct {
		file, text string
		none       bool
		mode       onward.Transaction
		want       []string
	}{
		"one": {
			text: "-- +goose Up\nCREATE TABLE t ();\n-- +goose Down\nDROP TABLE t;\n",
			mode: onward.TransactionFile, want: []string{"DROP TABLE t;"},
		},
		"blocks": {
			text: "-- +goose Up\n-- +goose StatementBegin\n" + body + "\n-- +goose StatementEnd\n-- +goose Down\n-- +goose StatementBegin\n" + body +
				"\n-- +goose StatementEnd\nDROP TABLE t;\n",
			mode: onward.TransactionFile, want: []string{body, "DROP TABLE t;"},
		},
		"without transaction": {
			text: "-- +goose NO TRANSACTION\n-- +goose Up\nSELECT 1;\n-- +goose Down\nDROP INDEX CONCURRENTLY i;\nSELECT 2;",
			mode: onward.TransactionNone, want: []string{"DROP INDEX CONCURRENTLY i;", "SELECT 2;"},
		},
		"said below": {
			text: "-- +goose Up\nSELECT 1;\n-- +goose Down\n-- +goose NO TRANSACTION\nSELECT 2;\n",
			mode: onward.TransactionNone, want: []string{"SELECT 2;"},
		},
		"CRLF and other cases": {
			text: "--+GOOSE up\r\nSELECT 1;\r\n--+goosedown\r\nSELECT 2;\r\n",
			mode: onward.TransactionFile, want: []string{"SELECT 2;"},
		},
		"cut wrongly, as goose does": {
			text: "-- +goose Up\nSELECT 1;\n-- +goose Down\n" + body + "\n",
			mode: onward.TransactionFile,
			want: []string{"CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$\nSELECT 1;", "$$;"},
		},
		"nothing in it": {text: "-- +goose Up\nSELECT 1;\n-- +goose Down\n", mode: onward.TransactionFile},
		"none":          {text: "-- +goose Up\nSELECT 1;\n", none: true},
		"Go":            {file: "1_x.go", text: "package m\n\nfunc init() { goose.AddMigration(up, down) }\n// -- +goose Down\n", none: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tc.file == "" {
				tc.file = "1_x.sql"
			}
			tree := adaptertest.Text(map[string]string{tc.file: tc.text})
			s := adapter.Source{Framework: Name}
			set, err := Adapter.Load(t.Context(), tree, s)
			if err != nil {
				t.Fatal(err)
			}
			down, err := Adapter.Down(tree, s, set.Migrations[0])
			if err != nil {
				t.Fatal(err)
			}
			if (down == nil) != tc.none {
				t.Fatalf("the down migration: %+v", down)
			}
			if tc.none {
				return
			}
			var got []string
			for _, p := range down.Parts {
				if tc.text[p.Start:p.Start+len(p.SQL)] != p.SQL || !p.Message {
					t.Errorf("not what stands at %d, or no message: %+v", p.Start, p)
				}
				got = append(got, p.SQL)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" || down.Mode != tc.mode {
				t.Errorf("mode %s, want %s (-want +got):\n%s", down.Mode, tc.mode, diff)
			}
		})
	}
}
