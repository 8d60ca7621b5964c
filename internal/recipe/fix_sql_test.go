package recipe

import (
	"testing"

	"github.com/onward-sql/onward/internal/catalog"
)

// What a finding prints can be pasted, whatever characters its names and values have.
func TestPrintedStatementsQuote(t *testing.T) {
	t.Parallel()
	odd := catalog.Name{Schema: "app", Name: `Odd "one"`}
	plain := catalog.Name{Schema: "public", Name: "mood"}
	for want, got := range map[string]string{
		`ALTER TYPE mood ADD VALUE 'it''s fine'`:                      AddEnumValue(plain, "it's fine"),
		`ALTER TABLE app."Odd ""one""" ADD COLUMN "order" int`:        AddColumn(odd, "order", "int"),
		`ALTER TABLE mood DROP COLUMN "A"`:                            DropColumn(plain, "A"),
		`ALTER TABLE mood ALTER COLUMN a DROP NOT NULL`:               DropNotNull(plain, "a"),
		`ALTER TABLE mood ATTACH PARTITION app."Odd ""one""" DEFAULT`: AttachPartition(plain, odd, "DEFAULT"),
		`ALTER TABLE mood ENABLE TRIGGER "ALL"`:                       EnableTrigger(plain, "ALL"),
		`ALTER TABLE mood ENABLE RULE "ALL"`:                          EnableRule(plain, "ALL"),
		`ALTER TABLE mood ENABLE TRIGGER ALL`:                         EnableTrigger(plain, ""),
		`ALTER TABLE app."Odd ""one""" REPLICA IDENTITY FULL`:         SetReplicaIdentity(odd, "FULL"),
		`CREATE INDEX ON mood ("A", b) WITH (timescaledb.transaction_per_chunk)`: ColumnIndex{
			Table: plain, Columns: []string{"A", "b"}, Hypertable: true,
		}.CreateStatement(),
		`GRANT USAGE ON SEQUENCE mood TO app`:           Grant("USAGE", &catalog.Relation{Name: plain, Kind: catalog.Sequence}, "app"),
		`GRANT SELECT ON app."Odd ""one""" TO "Reader"`: Grant("SELECT", &catalog.Relation{Name: odd, Kind: catalog.Table}, `"Reader"`),
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
