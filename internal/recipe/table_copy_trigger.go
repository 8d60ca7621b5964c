package recipe

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// syncTriggers returns the triggers that repeat writes of the source on the target. An added row is copied at the end of its
// transaction: new code that adds rows to both tables in one transaction has added its own row by then, which stays.
func (t *tableCopy) syncTriggers() pair {
	r, source := t.c.Release, tableName(t.source)
	head := r.head.Relation(t.source.OID)
	var p pair
	fn, alter := "", []string{}
	for _, trigger := range []struct{ label, begin, each string }{
		// The condition sees what other triggers have set. The columns that an UPDATE names do not tell that.
		{"", "TRIGGER {} AFTER UPDATE", "ROW WHEN (" + changedCondition(t.listReadColumns()) + ")"},
		{"gone", "TRIGGER {} AFTER DELETE", "ROW"},
		{"add", "CONSTRAINT TRIGGER {} AFTER INSERT", "ROW"},
		{"all", "TRIGGER {} BEFORE TRUNCATE", "STATEMENT"},
	} {
		name, deferred := r.firstTriggerName(t.target, trigger.label, t.source, head), ""
		if fn == "" {
			fn = quoteIdent(t.source.Name.Schema) + "." + quoteIdent(name)
			p.make = []string{t.triggerFunction(fn)}
		}
		if trigger.label == "add" {
			deferred = " DEFERRABLE INITIALLY DEFERRED"
		}
		p.triggers = append(p.triggers, name)
		name = quoteIdent(name)
		p.make = append(p.make, "CREATE "+strings.Replace(trigger.begin, "{}", name, 1)+" ON "+source+deferred+" FOR EACH "+trigger.each+" EXECUTE FUNCTION "+fn+"()")
		alter = append(alter, "ALTER TABLE "+source+" ENABLE ALWAYS TRIGGER "+name)
		p.gone = append(p.gone, "DROP TRIGGER IF EXISTS "+name+" ON "+source)
	}
	p.make, p.gone = append(p.make, alter...), append(p.gone, "DROP FUNCTION IF EXISTS "+fn+"()")
	return p
}

// copyMark is in the name of each trigger that writes into another table, after characters that make the name the first one.
const copyMark = "ONWARD_"

// firstTriggerName returns a name for an AFTER trigger that writes into another table. It sorts before all triggers that the
// trigger's own table has, at the base or at the head. Triggers run in order of their names. Another one may change the row again,
// and that must be copied last. Triggers of foreign keys (RI_…) also come later: a copy that refers to a deleted row by NO ACTION
// must be deleted before they look.
// https://www.postgresql.org/docs/current/trigger-definition.html
func (r *Release) firstTriggerName(target *catalog.Relation, label string, tables ...*catalog.Relation) string {
	prefix := copyMark
	for _, t := range tables {
		for t != nil && slices.ContainsFunc(t.Triggers, func(tr *catalog.Trigger) bool { return tr.Name <= prefix }) && len(prefix) < 20 {
			prefix = "!" + prefix
		}
	}
	return r.uniqueName(prefix+target.Name.Name, label, "")
}

// listReadColumns lists the source's columns that the query reads.
func (t *tableCopy) listReadColumns() (out []string) {
	add := func(name string) {
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	for i := range t.values {
		if t.values[i].source != "" {
			add(t.values[i].source)
		}
		for _, name := range listColumns(t.values[i].expr) {
			add(name)
		}
	}
	for _, name := range listColumns(t.query.WhereClause) {
		add(name)
	}
	return out
}

// listColumns lists the columns that an expression names.
func listColumns(expr *pgparse.Node) (out []string) {
	if expr == nil {
		return nil
	}
	pgparse.Walk(expr, func(m any) bool {
		if ref, ok := m.(*pgparse.ColumnRef); ok && !pgparse.EndsInStar(ref) {
			out = append(out, pgparse.LastText(ref.Fields))
		}
		return true
	})
	return out
}

// triggerFunction returns the function of the triggers. It has its owner's rights, because a role that writes the source
// need not have rights on the target.
//
// An UPDATE copies only the values that it changes, so that it undoes no write of new code to other columns. If the copy is
// missing, the backfill has not reached the row, or new code has deleted the copy. The trigger leaves both alone, unless the key
// changes: then the backfill may miss the row. A row of new code with the same key stays. A transaction with an old snapshot
// does not see copies that others made since; it is refused (40001) by an INSERT that meets such a copy. No INSERT finds what a
// TRUNCATE of such a transaction would leave, so it is refused (0A000).
func (t *tableCopy) triggerFunction(fn string) string {
	target := quoteQualified(t.target.Name)
	insert, source := t.insertInto(target), quoteQualified(t.source.Name)+" AS "+quoteIdent(t.alias)
	replace := strings.NewReplacer(
		"{oldSnapshot}", "current_setting('transaction_isolation') IN ('repeatable read', 'serializable')",
		"{literal}", pgparse.QuoteLiteral(t.target.Name.String()), "{fn}", fn, "{guard}", otherTableGuard(t.source),
		"{path}", t.searchPath(), "{target}", target, "{all}", t.selectFrom(source, ""),
		"{columns}", strings.Join(t.columnNames(""), ", "), "{join}", t.keyJoinCondition("o.", t.targetKeys),
		"{was}", t.copiedRowCondition("OLD"), "{is}", t.copiedRowCondition("NEW"), "{addOld}", insert+t.selectRow("OLD")+" ON CONFLICT DO NOTHING",
		"{addNew}", insert+t.selectRow("NEW")+" ON CONFLICT DO NOTHING", "{old}", t.keyJoinCondition("OLD.", t.keys),
		"{now}", source+" WHERE "+t.newKeyCondition(), "{addNow}", insert+t.selectFrom(source, t.newKeyCondition()+
			" AND NOT EXISTS (SELECT FROM "+target+" AS t WHERE "+t.keyJoinCondition("NEW.", t.keys)+")")+" ON CONFLICT DO NOTHING",
		"{moved}", distinctCondition(t.keyList("NEW."), t.keyList("OLD.")), "{update}", t.updateStatement(target), "{unique}", t.uniqueChangedCondition(),
	)
	return replace.Replace(`CREATE FUNCTION {fn}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = {path} AS $onward$
#variable_conflict use_column
DECLARE
  onward_was boolean := false; -- the row was one to copy
  onward_is boolean := false;
BEGIN
{guard}  IF TG_OP = 'TRUNCATE' THEN
    IF {oldSnapshot} THEN -- it may show neither all rows nor all copies, and TRUNCATE takes them all
      RAISE EXCEPTION 'cannot truncate %.% in a transaction that is REPEATABLE READ or SERIALIZABLE', TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'feature_not_supported', HINT = 'Its rows are copied to ' || {literal} || ' now. Use READ COMMITTED, or DELETE.';
    END IF;
    DELETE FROM {target} AS t USING ({all}) AS o ({columns}) WHERE {join};
    RETURN NULL;
  END IF;
  IF TG_OP = 'INSERT' THEN -- at the end of the transaction, which may have changed the row again
    IF {oldSnapshot} THEN
      PERFORM FROM {now} FOR SHARE; -- an old snapshot also shows the row that others have deleted: 40001
    END IF;
    {addNow};
    RETURN NULL;
  END IF;
  onward_was := {was};
  IF TG_OP <> 'DELETE' THEN
    onward_is := {is};
  END IF;
  IF onward_was AND {oldSnapshot} THEN
    {addOld};
    IF FOUND THEN
      DELETE FROM {target} AS t WHERE {old};
    END IF;
  END IF;
  IF onward_was AND NOT onward_is THEN
    DELETE FROM {target} AS t WHERE {old};
  ELSIF onward_is AND NOT onward_was THEN
    {addNew};
  ELSIF onward_is AND ({unique}) THEN
    BEGIN
      {update};
      IF NOT FOUND AND {moved} THEN
        {addNew};
      END IF;
    EXCEPTION WHEN unique_violation THEN -- by a row of new code, which stays
      DELETE FROM {target} AS t WHERE {old} AND {moved};
    END;
  ELSIF onward_is THEN
    {update};
  END IF;
  RETURN NULL;
END
$onward$`)
}

// copiedRowCondition returns the condition that a row of the source is one to copy.
func (t *tableCopy) copiedRowCondition(row string) string {
	if t.condition == "" {
		return "true"
	}
	return "EXISTS (" + t.selectRow(row) + ")"
}

// keyJoinCondition returns the condition that row t of the target has the key of another row, given the names of its key there.
func (t *tableCopy) keyJoinCondition(row string, keys []string) string {
	var conditions []string
	for i, k := range t.targetKeys {
		conditions = append(conditions, "t."+quoteIdent(k)+" = "+row+quoteIdent(keys[i]))
	}
	return strings.Join(conditions, " AND ")
}

// newKeyCondition returns the condition that a row of the source has the key of NEW.
func (t *tableCopy) newKeyCondition() string {
	var conditions []string
	for _, k := range t.keys {
		conditions = append(conditions, quoteIdent(t.alias)+"."+quoteIdent(k)+" = NEW."+quoteIdent(k))
	}
	return strings.Join(conditions, " AND ")
}

// keyList lists the key's columns of a row of the source.
func (t *tableCopy) keyList(row string) string {
	var out []string
	for _, k := range t.keys {
		out = append(out, row+quoteIdent(k))
	}
	return strings.Join(out, ", ")
}

// uniqueChangedCondition returns the condition that an UPDATE changes columns of the source that are unique in the target.
func (t *tableCopy) uniqueChangedCondition() string {
	var fresh, old []string
	for _, k := range slices.Concat(t.keys, t.otherUnique) {
		fresh, old = append(fresh, "NEW."+quoteIdent(k)), append(old, "OLD."+quoteIdent(k))
	}
	return distinctCondition(strings.Join(fresh, ", "), strings.Join(old, ", "))
}

// updateStatement returns the statement that copies the values that an UPDATE changes. Constants never change.
func (t *tableCopy) updateStatement(target string) string {
	var sets, fresh, old []string
	for i := range t.values {
		v := &t.values[i]
		if v.source == "" && len(listColumns(v.expr)) == 0 {
			continue
		}
		col := quoteIdent(v.column.Name)
		sets = append(sets, col+" = CASE WHEN "+distinctCondition("n."+col, "o."+col)+" THEN (n."+col+")::"+assignedType(v.column.Type)+" ELSE t."+col+" END")
		fresh, old = append(fresh, "n."+col), append(old, "o."+col)
	}
	columns := " (" + strings.Join(t.columnNames(""), ", ") + ")"
	return "UPDATE " + target + " AS t SET " + strings.Join(sets, ", ") +
		" FROM (" + t.selectRow("OLD") + ") AS o" + columns + ", (" + t.selectRow("NEW") + ") AS n" + columns +
		" WHERE " + t.keyJoinCondition("OLD.", t.keys) + " AND " + distinctCondition(strings.Join(fresh, ", "), strings.Join(old, ", "))
}
