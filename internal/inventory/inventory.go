// Package inventory reads everything that a server holds about a relation: its columns, indexes, constraints, privileges and
// dependents. An entry has the server's own definition, so that two readings can be compared, and a difference can be printed.
//
// The list of catalogs is complete by construction: a test takes it from the servers, and each catalog column has a case there.
package inventory

import (
	"context"
	"crypto/md5" //nolint:gosec // the server computes the same, to compare definitions
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// Entry is one property or dependent of a relation, as the server's catalogs have it.
type Entry struct {
	// Kind is its kind in Postgres' words, and Name its name as SQL writes it: "index", "users_email_idx". Name is "" for a property of the
	// relation itself, such as its owner.
	Kind string `json:"kind"`
	Name string `json:"name,omitempty"`
	// Columns are the columns of the relation that it is about; empty for the whole relation.
	Columns []string `json:"columns,omitempty"`
	// Definition is the server's own text, such as CREATE INDEX … of an index.
	Definition string `json:"definition"`
}

// FullName is the kind and the name, which identify an entry of a relation.
func (e *Entry) FullName() string {
	if e.Name == "" {
		return e.Kind
	}
	return e.Kind + " " + e.Name
}

// Inventory is the list of entries, sorted by kind and name.
type Inventory []Entry

// HasEntry reports whether an inventory has an entry with the same definition.
func (inv Inventory) HasEntry(e *Entry) bool {
	return slices.ContainsFunc(inv, func(o Entry) bool { return o.FullName() == e.FullName() && o.Definition == e.Definition })
}

// Settings are the settings that definitions depend on, for the rest of a transaction.
var Settings = "SET LOCAL search_path = pg_catalog, pg_temp; " + live.SetLocal(live.CommonReadSettings, live.ValueSettings)

// ReadInventory reads the inventory of a relation, which may be on a running server. The transaction must have the [Settings]. excludedOIDs
// are OIDs of children that it leaves out.
func ReadInventory(ctx context.Context, s live.SQLSession, major int, relation uint32, excludedOIDs ...uint32) (Inventory, error) {
	rows, _ := s.Query(ctx, FormatQuery(major, formatOID(relation), "", excludedOIDs...)+" ORDER BY 1, 2, 4")
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Entry])
	if err != nil {
		return nil, fmt.Errorf("read the inventory: %w", err)
	}
	return list, nil
}

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

// readers are the kinds of entries that use a relation, and do not belong to it.
var readers = []string{"view", "materialized view", "rule", "policy", "function", "generated column", "object"}

// DescribeLoss returns a sentence about the loss, and the next step of the user.
func (l *Loss) DescribeLoss(r *onward.PlanReplacement) string {
	table := r.Old
	var text string
	switch column := r.OldColumn + " of " + table; {
	case l.Successor != "":
		return l.nameSubject(table) + " is not what the plan was made for: " + l.Definition + ". In its place would be " + l.Successor +
			". Give both the same form"
	case r.Kind == onward.ReplacementColumn && slices.Contains(readers, l.Kind):
		text = l.nameSubject(table) + " reads " + column
	case r.Kind == onward.ReplacementColumn:
		text = l.nameSubject(table) + " is about " + column + ", and would go with it"
	case l.Kind == "row security":
		text = table + " has row-level security, which " + r.New + " would not have"
	case l.Kind == "publication" && l.Definition == "except":
		text = l.nameSubject(table) + " leaves out " + table + ", and would send the new table"
	case l.Kind == "publication" || l.Kind == "subscription":
		text = l.nameSubject(table) + " sends " + table + ", and would go on with the old table"
	case l.Kind != "policy" && l.Kind != "generated column" && slices.Contains(readers, l.Kind) && (l.Kind != "rule" || strings.Contains(l.Name, " of ")):
		text = l.nameSubject(table) + " reads " + table + ", and would go on with the old table"
	default:
		text = l.nameSubject(table) + " would be lost with the table"
	}
	if l.Changed {
		text += ". It has changed since the plan was begun"
	} else {
		text += ": the plan does not know it"
	}
	if l.Equal != "" {
		text += ". Drop it, or give " + r.NewColumn + " the same: " + l.Equal
	}
	return text
}

// nameSubject names the entry.
func (l *Loss) nameSubject(table string) string {
	switch {
	case l.Name == "":
		return "the " + l.Kind + " of " + table
	case l.Kind == "column":
		return "column " + l.Name + " of " + table
	case namedAsColumn[l.Kind]:
		return "the " + l.Kind + " of " + l.Name
	case l.Kind == "statistics":
		return "statistics object " + l.Name + " of " + table
	case l.Kind == "object":
		return l.Name
	case strings.Contains(l.Name, " of ") || slices.Contains([]string{"view", "materialized view", "function", "publication", "subscription"}, l.Kind):
		return l.Kind + " " + l.Name
	}
	return l.Kind + " " + l.Name + " of " + table
}

// GrantLocks is the first major version in which GRANT and REVOKE wait for the locks of a relation. Before, they wait only for a transaction that
// has written the catalog's row of the same relation or column, and fail when it commits.
const GrantLocks = 18

// ClaimRows returns a statement that writes the catalogs' rows of a replaced column, and of the sequences that go with the column or the
// table, without a change. Then nobody else changes their privileges until the transaction ends. It needs onward's own search_path and the
// relation's lock.
func (c *Comparison) ClaimRows(major int, relation uint32) string {
	column := "true"
	if c.replacesColumn() {
		column = "a.attname = " + pgparse.QuoteLiteral(c.Replaced.OldColumn)
	}
	query := fmt.Sprintf(`    SELECT w.place, format('ALTER SEQUENCE %%I.%%I RENAME TO %%I', n.nspname, w.was, w.name)
    FROM pg_attribute AS a JOIN pg_depend AS d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum
      AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
    JOIN pg_class AS c ON c.oid = d.objid AND c.relkind = 'S' JOIN pg_namespace AS n ON n.oid = c.relnamespace, %s
    WHERE a.attrelid = %d AND %s`, renameTwiceQuery("c.oid", "c.relname"), relation, column)
	if c.replacesColumn() && major < GrantLocks {
		query += fmt.Sprintf(`
    UNION ALL SELECT 2, format('ALTER TABLE ONLY %%s ALTER COLUMN %%I SET STATISTICS %%s', a.attrelid::regclass, a.attname,
      coalesce(a.attstattarget, -1))
    FROM pg_attribute AS a WHERE a.attrelid = %d AND %s AND NOT a.attisdropped`, relation, column)
	}
	return orderedCommandsBlock(query)
}

// ClaimView returns a statement that locks a view, without the relations that it reads, and writes the catalogs' rows of the view and its columns
// without a change. Nobody else changes the view or its privileges until the transaction ends.
func ClaimView(major int, view uint32) string {
	query := fmt.Sprintf(`    SELECT w.place, format('ALTER VIEW %%I.%%I RENAME TO %%I', n.nspname, w.was, w.name)
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace, %[2]s WHERE c.oid = %[1]d`, view, renameTwiceQuery("c.oid", "c.relname"))
	if major < GrantLocks {
		query += fmt.Sprintf(`
    UNION ALL SELECT 2 + w.place, format('ALTER VIEW %%s RENAME COLUMN %%I TO %%I', a.attrelid::regclass, w.was, w.name)
    FROM pg_attribute AS a, %[2]s WHERE a.attrelid = %[1]d AND a.attnum > 0 AND NOT a.attisdropped`, view, renameTwiceQuery("a.attnum", "a.attname"))
	}
	return orderedCommandsBlock(query)
}

// renameTwiceQuery selects two renamings: to a name of onward's with a number, and back.
func renameTwiceQuery(number, name string) string {
	return fmt.Sprintf("LATERAL (VALUES (0, %[2]s::text, 'onward_' || %[1]s), (1, 'onward_' || %[1]s, %[2]s::text)) AS w (place, was, name)",
		number, name)
}

// orderedCommandsBlock returns a block that runs the commands of a query in the order of its first column.
func orderedCommandsBlock(query string) string {
	return "DO LANGUAGE plpgsql " + pgparse.DollarQuote(`
DECLARE
  place int;
  command text;
BEGIN
  FOR place, command IN
`+query+`
    ORDER BY 1
  LOOP
    EXECUTE command;
  END LOOP;
END
`) + ";\n"
}

// UnfinishedGrants is a query for whether a transaction is under way that has changed the privileges on a relation, whose OID is its argument. It needs
// onward's own search_path.
const UnfinishedGrants = `SELECT EXISTS (SELECT FROM pg_locks AS l WHERE l.locktype = 'transactionid' AND l.granted AND l.transactionid IN (
	SELECT a.xmax FROM pg_attribute AS a WHERE a.attrelid = $1::oid UNION ALL SELECT c.xmax FROM pg_class AS c WHERE c.oid = $1::oid))`

// PrivilegeStatements returns the statements that change the privileges on a relation, whose inventory is target, as those on another one have changed
// between two readings. sets are privileges that a migration itself sets on it: "select to reader".
func PrivilegeStatements(relation string, before, now, target Inventory, sets []string) (statements []string) {
	if now.findProperty("kind") == "" { // it was dropped, and with it all privileges
		return nil
	}
	for _, e := range now {
		text, grantee := now.translatePrivilege(&e, relation, target, sets)
		if text == "" || before.HasEntry(&e) {
			continue
		}
		option := ""
		if strings.HasSuffix(e.Definition, grantOption) {
			option = grantOption
		}
		privilege := target.findPrivilege(text, relation, grantee)
		if privilege == nil || option != "" && !strings.HasSuffix(privilege.Definition, option) {
			statements = append(statements, "GRANT "+text+" TO "+grantee+option)
		}
	}
	for _, e := range before {
		text, grantee := now.translatePrivilege(&e, relation, target, sets)
		if text == "" || now.HasEntry(&e) {
			continue
		}
		privilege := target.findPrivilege(text, relation, grantee)
		left := slices.IndexFunc(now, func(o Entry) bool { return o.FullName() == e.FullName() })
		switch {
		case privilege == nil:
		case left < 0:
			statements = append(statements, "REVOKE "+text+" FROM "+grantee)
		case strings.HasSuffix(privilege.Definition, grantOption) && !strings.HasSuffix(now[left].Definition, grantOption):
			statements = append(statements, "REVOKE GRANT OPTION FOR "+text+" FROM "+grantee)
		}
	}
	return statements
}

// translatePrivilege returns a privilege on the relation of an inventory as GRANT writes it for another relation; "" if that has no such column, or the
// privilege is the owner's, on a sequence, or set by a migration. [Comparison.ClaimRows] claims sequences.
func (inv Inventory) translatePrivilege(e *Entry, relation string, target Inventory, sets []string) (text, grantee string) {
	if e.Kind != "privilege" {
		return "", ""
	}
	privilege, grantee := splitPrivilege(e.Name)
	if strings.Contains(privilege, " on sequence ") || strings.Contains(grantee, " of ") ||
		grantee == inv.findProperty("owner") || grantee == target.findProperty("owner") || slices.Contains(sets, strings.ToLower(privilege+" to "+grantee)) {
		return "", ""
	}
	isColumn := func(o Entry) bool { return o.Kind == "column" && slices.Equal(o.Columns, e.Columns) }
	if len(e.Columns) > 0 && !slices.ContainsFunc(target, isColumn) {
		return "", ""
	}
	return privilege + " ON TABLE " + relation, grantee
}

// findPrivilege returns the entry of a privilege as [Inventory.translatePrivilege] writes it; nil if nobody gave it.
func (inv Inventory) findPrivilege(text, relation, grantee string) *Entry {
	for i := range inv {
		if other, to := inv.translatePrivilege(&inv[i], relation, inv, nil); other == text && to == grantee {
			return &inv[i]
		}
	}
	return nil
}
