package inventory

import (
	"crypto/md5" //nolint:gosec // the server computes the same, to compare definitions
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgparse"
)

// GuardCode is the SQLSTATE of a guard's error: the transaction has to begin again, as after a lost race.
const GuardCode = "40001"

// FormatLock returns SQL for the transaction that replaces a column or a relation, whose name is qualified. locked takes the relation's lock, claims
// the catalogs' rows, and compares. unlocked compares before that: it fills the server's caches, so that the lock is held for less time.
func (c *Comparison) FormatLock(major int, relation uint32, name string) (unlocked, locked string, err error) {
	guard, err := c.FormatGuard(major, relation)
	if err != nil {
		return "", "", err
	}
	return guard + ";\n", "LOCK TABLE " + name + " IN ACCESS EXCLUSIVE MODE;\n" + c.ClaimRows(major, relation) + guard + ";\n", nil
}

// FormatGuard returns a statement that compares, on the server, the entries of the replaced relation or column with those read before.
// If they differ, it raises an error that names the entries. It is for the transaction that replaces them, under its lock.
func (c *Comparison) FormatGuard(major int, relation uint32) (string, error) {
	expected := map[string]string{}
	for _, e := range c.ListConcerned() {
		sum := md5.Sum([]byte(e.Definition)) //nolint:gosec // see above
		expected[e.FullName()] = hex.EncodeToString(sum[:])
	}
	text, err := json.Marshal(expected)
	if err != nil {
		return "", err
	}
	var column string
	if c.replacesColumn() {
		column = c.Replaced.OldColumn
	}
	var save, restore strings.Builder
	settings := append([]live.Setting{{Name: "search_path", Value: "'pg_catalog, pg_temp'"}}, live.ValueSettings...)
	for i, s := range settings {
		value := s.Value
		if !strings.HasPrefix(value, "'") {
			value = "'" + value + "'"
		}
		fmt.Fprintf(&save, "  saved[%d] := pg_catalog.current_setting('%s'); PERFORM pg_catalog.set_config('%s', %s, true);\n", i+1, s.Name, s.Name, value)
		fmt.Fprintf(&restore, "  PERFORM pg_catalog.set_config('%s', saved[%d], true);\n", s.Name, i+1)
	}
	body := `
DECLARE
  saved text[];
  differing text;
BEGIN
` + save.String() + `  SELECT pg_catalog.string_agg(coalesce(i.key, e.key), ', ' ORDER BY coalesce(i.key, e.key)) INTO differing
  FROM (SELECT pg_catalog.concat_ws(' ', i.kind, nullif(i.name, '')) AS key, pg_catalog.md5(i.definition) AS sum FROM
		(` + FormatQuery(major, formatOID(relation), column) + `) AS i (kind, name, columns, definition)) AS i
  FULL JOIN pg_catalog.json_each_text(` + pgparse.QuoteLiteral(string(text)) + `) AS e (key, sum) ON e.key = i.key
  WHERE i.sum IS DISTINCT FROM e.sum;
` + restore.String() + `  IF differing IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = '` + GuardCode + `', MESSAGE = pg_catalog.format('somebody changed %s', differing);
  END IF;
END
`
	return "DO LANGUAGE plpgsql " + pgparse.DollarQuote(body), nil
}
