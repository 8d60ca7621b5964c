package recipe

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/acl"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// replacedEnum is an enum that a release makes again with other values: it creates a second type, changes the type of all columns,
// drops the deployed type, and gives the second one its name. Generators of migrations do that if a value is dropped.
type replacedEnum struct {
	old, head *catalog.UserType // of the base and of the head, with one name
	// aside is the new type's name until the deployed one is dropped.
	aside catalog.Name
	// grows: the deployed values are among the new ones, in the same order. Then values are added to the deployed type instead.
	grows  bool
	create *Change // creates the new type
	drop   *Change // drops the deployed type
	// columns are the deployed columns of the type.
	columns []columnID
}

// findReplacedEnums finds the enums that the release makes again.
func (r *Release) findReplacedEnums() {
	createByType := map[catalog.OID]*Change{}
	for _, c := range r.changes {
		if c.Node.GetCreateEnumStmt() != nil {
			for i := range c.Deltas {
				if u := c.Deltas[i].NewType; u != nil && u.Kind == catalog.Enum {
					createByType[u.OID] = c
				}
			}
		}
	}
	for oid, create := range createByType {
		head := r.head.Type(oid)
		if head == nil {
			continue
		}
		old := r.Deployed.LookupType(head.Name.Schema, head.Name.Name)
		if old == nil || old.OID == oid || old.Kind != catalog.Enum || old.Inferred || r.head.Type(old.OID) != nil {
			continue
		}
		e := &replacedEnum{old: old, head: head, create: create, grows: isSubsequence(old.Labels, head.Labels)}
		if !r.collectEnumChanges(e) {
			continue
		}
		e.aside = catalog.Name{Schema: head.Name.Schema, Name: create.After.Type(oid).Name.Name}
		if e.aside == old.Name || r.Deployed.LookupType(e.aside.Schema, e.aside.Name) != nil {
			e.aside.Name = r.uniqueName(head.Name.Name, "onward", "")
		}
		r.enums = append(r.enums, e)
	}
}

// collectEnumChanges finds the change that drops the deployed type. It reports whether the changes of both types are only those
// of [replacedEnum], and all columns of the deployed type get the new one.
func (r *Release) collectEnumChanges(e *replacedEnum) bool {
	for _, c := range r.changes {
		for i := range c.Deltas {
			if d := &c.Deltas[i]; !e.concernsEnum(d) {
				continue
			}
			switch {
			case c == e.create:
			case c.Node.GetDropStmt() != nil && len(c.Node.GetDropStmt().Objects) == 1 && c.Node.GetDropStmt().Behavior != pgparse.DropBehavior_DROP_CASCADE:
				e.drop = c
			case c.Node.GetRenameStmt() == nil:
				return false
			}
		}
	}
	if e.drop == nil {
		return false
	}
	for _, t := range r.Deployed.TypedBy(e.old.OID) {
		if r.dropsTableBefore(t.OID, e.create) {
			continue
		}
		for _, col := range t.Columns {
			if col.Type.OID != e.old.OID {
				continue
			}
			colChange := r.columnChanges[columnID{t.OID, col.Attnum}]
			if colChange == nil || colChange.newColumn == nil || colChange.newColumn.Type.OID != e.head.OID || colChange.newColumn.Type.Array != col.Type.Array {
				return false
			}
			e.columns = append(e.columns, colChange.columnID)
		}
	}
	return true
}

// dropsTableBefore reports whether the release drops a deployed table before a change: its columns go before the steps of that change end.
func (r *Release) dropsTableBefore(table catalog.OID, change *Change) bool {
	for _, c := range r.changes {
		if c == change {
			break
		}
		if slices.ContainsFunc(c.Deltas, func(d catalog.Delta) bool { return d.Kind == catalog.RelationDropped && d.OID == table }) {
			return true
		}
	}
	return false
}

// concernsEnum reports whether a change of the schema is about one of the two types.
func (e *replacedEnum) concernsEnum(d *catalog.Delta) bool {
	for _, u := range []*catalog.UserType{d.OldType, d.NewType} {
		if u != nil && (u.OID == e.old.OID || u.OID == e.head.OID) {
			return true
		}
	}
	return false
}

// isSubsequence reports whether all texts of a list occur in another one, in the same order.
func isSubsequence(part, all []string) bool {
	i := 0
	for _, text := range all {
		if i < len(part) && part[i] == text {
			i++
		}
	}
	return i == len(part)
}

// enumOf returns the enum that the release makes again and that a column has at the head; nil for none.
func (r *Release) enumOf(colChange *columnChange) *replacedEnum {
	if colChange.old == nil || colChange.newColumn == nil {
		return nil
	}
	for _, e := range r.enums {
		if colChange.newColumn.Type.OID == e.head.OID && colChange.old.Type.OID == e.old.OID {
			return e
		}
	}
	return nil
}

// absorbEnumChange returns the steps of a change to an enum that the release makes again, or to the type or default of its
// columns; nil for other changes.
func (r *Release) absorbEnumChange(c *Change) *Steps {
	for _, e := range r.enums {
		if slices.ContainsFunc(c.Deltas, func(d catalog.Delta) bool { return e.concernsEnum(&d) }) {
			switch {
			case c == e.create && e.grows:
				return e.addValues(r, "")
			case c == e.create:
				return e.createNewType(r)
			case c == e.drop && !e.grows && len(e.columns) == 0:
				m := &Steps{}
				m.addStep(onward.Contract, onward.StepDDL, "drop the deployed "+e.old.Name.Name+", and give the new type its name", e.typeSwapStatements()...)
				return m
			}
			return &Steps{}
		}
	}
	colChange := c.findColumnChange()
	if colChange == nil || colChange.replacement != nil {
		return nil
	}
	if e := r.enumOf(colChange); e == nil || !e.grows {
		return nil
	}
	switch {
	case c.changesType() || c.commandType() == pgparse.AlterTableType_AT_ColumnDefault && colChange.keepsDefault(c):
		return &Steps{}
	case c.commandType() == pgparse.AlterTableType_AT_ColumnDefault && c.Command.Def != nil:
		return colChange.setDefault(c)
	}
	return nil
}

// setDefault sets another default than the deployed one, which an abort sets again.
func (colChange *columnChange) setDefault(c *Change) *Steps {
	m := &Steps{}
	s := m.addStep(onward.Expand, onward.StepDDL, "set the default of "+colChange.newColumn.Name+": no row is read", c.AlterTable()+" "+c.plannedText())
	undo := c.AlterTable() + " ALTER COLUMN " + quoteIdent(colChange.old.Name)
	if colChange.old.DefaultText == "" {
		s.Undo = []string{undo + " DROP DEFAULT"}
	} else {
		s.Undo = []string{undo + " SET DEFAULT " + colChange.old.DefaultText}
	}
	return m
}

// keepsDefault reports whether a change of a default has no effect in the end: it drops the default, and a later one sets it
// again; or it sets the deployed one.
func (colChange *columnChange) keepsDefault(c *Change) bool {
	if colChange.newColumn.DefaultText == "" {
		return false
	}
	return c.Command.Def == nil || bareLiteral(colChange.newColumn.DefaultText) == bareLiteral(colChange.old.DefaultText)
}

// bareLiteral returns a string literal without a cast, and any other text unchanged.
func bareLiteral(text string) string {
	l := pgparse.NextLexeme(text, 0)
	if rest := strings.TrimSpace(text[l.End:]); strings.HasPrefix(text, "'") && strings.HasPrefix(rest, "::") {
		return text[l.Start:l.End]
	}
	return text
}

// addValues adds the values that the deployed type lacks. Their order matters only if the type stays.
func (e *replacedEnum) addValues(r *Release, note string) *Steps {
	m := &Steps{}
	have := slices.Clone(e.old.Labels)
	name := inTypeSchema(e.old.Name)
	for i, label := range e.head.Labels {
		if slices.Contains(have, label) {
			continue
		}
		place := ""
		if i > 0 && slices.Contains(have, e.head.Labels[i-1]) {
			place = " AFTER " + pgparse.QuoteLiteral(e.head.Labels[i-1])
		} else if len(have) > 0 {
			place = " BEFORE " + pgparse.QuoteLiteral(have[0])
		}
		have = append(have, label)
		m.addStep(onward.Expand, onward.StepDDL, "add the value "+label+" to "+e.old.Name.Name+": no row is read, and the value can be used after the commit",
			"ALTER TYPE "+name+" ADD VALUE IF NOT EXISTS "+pgparse.QuoteLiteral(label)+place)
	}
	if len(m.Steps) == 0 {
		return m
	}
	r.Kept["TYPE "+quoteIdent(e.old.Name.Schema)+"."+quoteIdent(e.old.Name.Name)] = true
	m.addNote("no value of an enum can be dropped again: after an abort %s still has the new ones, which nobody uses", e.old.Name)
	if note != "" {
		m.addNote("%s", note)
	} else {
		m.addNote("%s gets its new values by ALTER TYPE ADD VALUE: the type and its columns stay, and no row is read", e.old.Name)
	}
	return m
}

// createNewType creates the new type beside the deployed one, which gets the new values, too: the new code writes them before the
// columns are replaced.
func (e *replacedEnum) createNewType(r *Release) *Steps {
	m := e.addValues(r, "the deployed "+e.old.Name.String()+" gets the new values, too, because new code writes them before it is replaced")
	var labels []string
	for _, label := range e.head.Labels {
		labels = append(labels, pgparse.QuoteLiteral(label))
	}
	s := m.addStep(onward.Expand, onward.StepDDL, "create the new "+e.head.Name.Name+" beside the deployed one",
		"CREATE TYPE "+inTypeSchema(e.aside)+" AS ENUM ("+strings.Join(labels, ", ")+")",
		acl.SetLike(acl.Type, inTypeSchema(e.aside), inTypeSchema(e.old.Name)))
	s.Undo = []string{"DROP TYPE IF EXISTS " + inTypeSchema(e.aside)}
	if dropped := e.droppedLabels(); len(dropped) > 0 {
		m.addNote("rows with a value that %s loses (%s) are refused by the last steps: change them first", e.head.Name, strings.Join(dropped, ", "))
	}
	return m
}

// droppedLabels are the deployed values that the new type does not have.
func (e *replacedEnum) droppedLabels() []string {
	return slices.DeleteFunc(slices.Clone(e.old.Labels), func(label string) bool { return slices.Contains(e.head.Labels, label) })
}

// typeSwapStatements returns the statements that drop the deployed type, and give the new one its name.
func (e *replacedEnum) typeSwapStatements() []string {
	return []string{"DROP TYPE " + inTypeSchema(e.old.Name), "ALTER TYPE " + inTypeSchema(e.aside) + " RENAME TO " + quoteIdent(e.head.Name.Name)}
}

// joinEnumColumns lets all columns of an enum be replaced in one transaction, in which the new type takes its name. Code that casts a
// value to the type by its name never meets a column of the other one.
func (r *Release) joinEnumColumns() {
	for _, e := range r.enums {
		if e.grows || len(e.columns) == 0 {
			continue
		}
		r.uniteReplacements(e.columns)
		if w := r.columnChanges[e.columns[0]].replacement; w != nil {
			w.afterDrop = append(w.afterDrop, e.typeSwapStatements()...)
		}
	}
}

// inTypeSchema returns the name of a type for SQL, with its schema, since writers may have another search path.
func inTypeSchema(n catalog.Name) string { return quoteIdent(n.Schema) + "." + quoteIdent(n.Name) }

// replaceTypeNames replaces the names of both types in an expression by those that they have in the steps. schema is the schema at which
// the expression was written.
func (e *replacedEnum) replaceTypeNames(text string, schema *catalog.Catalog) (string, bool) {
	const before = "SELECT "
	statement := pgparse.ParseStatement(before + text)
	if statement == nil {
		return "", false
	}
	var edits []pgparse.TextEdit
	pgparse.Walk(statement, func(msg any) bool {
		name, isType := msg.(*pgparse.TypeName)
		if !isType {
			return true
		}
		switch t := schema.TypeOf(name); t.OID {
		case 0:
		case e.head.OID:
			edits = append(edits, pgparse.TextEdit{At: int(name.Location), End: pgparse.NameEnd(before+text, int(name.Location)), Text: inTypeSchema(e.aside)})
		case e.old.OID:
			edits = append(edits, pgparse.TextEdit{At: int(name.Location), End: pgparse.NameEnd(before+text, int(name.Location)), Text: inTypeSchema(e.old.Name)})
		}
		return true
	})
	out, ok := pgparse.ApplyEdits(before+text, pgparse.Span{Start: len(before), End: len(before + text)}, edits)
	return out, ok
}

// setEnumConversion sets how the values of a column with such an enum are converted. A plain cast of the text leaves values that the new
// type does not have NULL, so that deployed code can still write them; they count as wrong until they are changed.
func (w *replacement) setEnumConversion(e *replacedEnum) {
	w.typ = inTypeSchema(e.aside) + strings.Repeat("[]", w.newColumn.Type.Array)
	plain := "$1::text::" + w.typ
	text, ok := e.replaceTypeNames(w.conversion, w.lastRenameOrRetype().Before)
	if !ok {
		w.addObstacle("the conversion of %s of %s to the new %s is not followed: %s", w.old.Name, w.t.Name, e.head.Name, w.conversion)
		return
	}
	w.conversion = text
	if trimmed := strings.NewReplacer("(", "", ")", "", " ", "").Replace(text); trimmed != plain || w.newColumn.Type.Array > 0 {
		return
	}
	w.conversion = plain
	if dropped := e.droppedLabels(); len(dropped) > 0 {
		for i, label := range dropped {
			dropped[i] = pgparse.QuoteLiteral(label)
		}
		w.conversion = "CASE WHEN $1::text NOT IN (" + strings.Join(dropped, ", ") + ") THEN " + plain + " END"
		w.losesValues = true
	}
}

// enumDefault returns a column's default at the head, with the names that the types have in the steps.
func (w *replacement) enumDefault(e *replacedEnum) string {
	if l := pgparse.NextLexeme(w.newColumn.DefaultText, 0); strings.HasPrefix(w.newColumn.DefaultText, "'") && l.End == len(w.newColumn.DefaultText) {
		return w.newColumn.DefaultText + "::" + w.typ
	}
	if text, ok := e.replaceTypeNames(w.newColumn.DefaultText, w.c.Release.head); ok {
		return text
	}
	return w.newColumn.DefaultText
}
