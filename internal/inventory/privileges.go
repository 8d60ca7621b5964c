package inventory

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

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
