package audit

import (
	"testing"

	"github.com/onward-sql/onward/onward"
)

// A field of Go that holds a string reads and writes a uuid as well as a text. A field of another type does not.
func TestUUIDAsStringOfGo(t *testing.T) {
	t.Parallel()
	for field, want := range map[string]onward.Severity{
		"ClientID string":     onward.Info,
		"ClientID *string":    onward.Info,
		"ClientID uuid.UUID":  onward.Warning,
		"ClientID StringLike": onward.Warning,
	} {
		t.Run(field, func(t *testing.T) {
			t.Parallel()
			r := changelog0(t, Config{Dir: repository(t,
				"-- migrations/00001_a.sql --\n-- +goose Up\nCREATE TABLE tokens (id bigint, client_id uuid);\n-- store/a.go --\n"+
					"package store\n\nimport \"gorm.io/gorm\"\n\ntype Token struct {\n\tID int64 `gorm:\"primaryKey\"`\n\t"+field+" `gorm:\"column:client_id\"`\n}\n\n"+
					"func find(db *gorm.DB) { db.First(&Token{}) }\n",
				"-- migrations/00002_b.sql --\n-- +goose Up\nSET LOCAL lock_timeout = '2s';\n"+
					"ALTER TABLE tokens ALTER COLUMN client_id TYPE varchar(128);\n"), Base: "main"})
			var got []onward.Severity
			for _, f := range r.Findings {
				if f.Rule == "column-type-incompatible" {
					got = append(got, f.Severity)
				}
			}
			if len(got) != 1 || got[0] != want {
				t.Errorf("%v, want %s: %+v", got, want, r.Findings)
			}
		})
	}
}
