package inventory

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// Comparison has the inventories of a relation that a plan replaces, or of which it replaces a column. It finds the entries that the
// replacement would lose.
type Comparison struct {
	Replaced *onward.PlanReplacement
	// Old is the inventory of the relation. New is the inventory of a table that replaces it; nil if there is none yet.
	Old, New Inventory
	// Before is the inventory at the plan's start; nil for none, in which case the names in the plan count.
	Before Inventory
	// Exchanged: Before is the inventory of the table right after its exchange, so others made each difference.
	Exchanged bool
	// Own are the objects that the plan's steps make.
	Own OwnObjects
}

// Loss is an entry that is dropped with the replaced relation or column, and that no step gives the replacement.
type Loss struct {
	Entry
	Changed bool // since the earlier inventory
	// Equal is a statement that gives the replacement column an equal entry; "" for none.
	Equal string
	// Successor is the definition of the object that gets the entry's name, if the plan knows the entry in another form; "" for none.
	Successor string
}

// FindLosses returns the entries that would be lost. The plan was not made for them.
func (c *Comparison) FindLosses() (losses []Loss) {
	before := map[string]string{}
	for i := range c.Before {
		before[c.Before[i].FullName()] = c.Before[i].Definition
	}
	for i := range c.Old {
		e := &c.Old[i]
		treatment := c.findTreatment(e)
		definition, existed := before[e.FullName()]
		unchanged := c.Before == nil || existed && (definition == e.Definition || treatment == adopted)
		if treatment == carried || treatment == kept || c.hasEqualEntry(e) {
			continue
		}
		successor := c.findSuccessor(e)
		if successor != nil && !c.hasSameForm(e, successor) {
			losses = append(losses, Loss{Entry: *e, Successor: successor.Definition})
			continue
		}
		isCompared := successor != nil && successor.Kind != e.Kind // the index that becomes the key has all of its form
		formChanged := existed && !isCompared && c.isFormChanged(e, definition)
		if c.isMadeByPlan(e) && !formChanged || unchanged && c.isKnownToPlan(e) {
			continue
		}
		losses = append(losses, Loss{Entry: *e, Changed: existed && definition != e.Definition, Equal: c.copyStatement(e)})
	}
	return losses
}

// isFormChanged reports whether somebody has given an object that the plan makes another form than it had before. At the plan's start, only keys had
// theirs.
func (c *Comparison) isFormChanged(e *Entry, before string) bool {
	now, isKey := splitKey(e)
	oldKey, _ := splitKey(&Entry{Kind: e.Kind, Definition: before})
	if isKey {
		return c.hasComparedForm(e) && now != oldKey
	}
	return c.Exchanged && !c.isFormSet(e) && strings.TrimSuffix(before, " NOT VALID") != strings.TrimSuffix(e.Definition, " NOT VALID")
}

// DescribeLosses returns a sentence for each loss that no step carries over. What takes an instant is carried over when a column is replaced, unless the
// new column has other values.
func (c *Comparison) DescribeLosses() (sentences []string) {
	for _, l := range c.FindLosses() {
		if !c.replacesColumn() || !l.IsInstant() || l.Successor != "" || slices.Contains(c.Replaced.Sets, "default") {
			sentences = append(sentences, l.DescribeLoss(c.Replaced))
		}
	}
	return sentences
}

// ListConcerned returns the entries that are about what is replaced.
func (c *Comparison) ListConcerned() (list Inventory) {
	for _, e := range c.Old {
		if !c.replacesColumn() || slices.Contains(e.Columns, c.Replaced.OldColumn) {
			list = append(list, e)
		}
	}
	return list
}

func (c *Comparison) replacesColumn() bool { return c.Replaced.Kind == onward.ReplacementColumn }

// findTreatment returns what happens to an entry.
func (c *Comparison) findTreatment(e *Entry) treatment {
	rule := rules[e.Kind]
	treatment := rule.table
	if c.replacesColumn() {
		if !slices.Contains(e.Columns, c.Replaced.OldColumn) {
			return kept
		}
		treatment = rule.column
	}
	if treatment != ordinary {
		return treatment
	}
	if slices.Contains(strings.Fields(rule.definitions), e.Definition) {
		return kept
	}
	return refused
}

// isMadeByPlan reports whether the plan has made an entry's object, or the relation that it is on. A partition of the earlier inventory was there
// before: others may have added something to it since.
func (c *Comparison) isMadeByPlan(e *Entry) bool {
	if e.Kind == "replica identity" { // its definition is the index
		return slices.Contains(c.Own.marks[bareName(e.Definition)], e.Kind)
	}
	_, relation, onOther := strings.Cut(e.Name, " of ")
	if onOther && slices.ContainsFunc(c.Before, func(o Entry) bool { return (o.Kind == "partition" || o.Kind == "child") && o.Name == relation }) {
		return c.Own.hasName(e)
	}
	return c.Own.HasObject(e)
}

// isKnownToPlan reports whether the plan was made for an entry. It knows functions without their arguments. A plan of an older release lists triggers and
// views only: what such a plan found in the database when it began counts as known.
func (c *Comparison) isKnownToPlan(e *Entry) bool {
	key := e.FullName()
	if e.Kind == "function" {
		key, _, _ = strings.Cut(key, "(")
	}
	known := c.Replaced.Known
	return slices.Contains(known, key) || c.Before != nil && !slices.ContainsFunc(known, func(k string) bool { return strings.HasPrefix(k, "column ") })
}

// IsOfColumn reports whether a loss is a property of a column, such as its default.
func (l *Loss) IsOfColumn() bool { return namedAsColumn[l.Kind] }

// IsInstant reports whether the statement that gives the replacement column the same takes an instant, whatever the table's size.
func (l *Loss) IsInstant() bool {
	return (l.Kind == "default" || l.Kind == "statistics") && !strings.Contains(l.Name, " of ")
}

// hasEqualEntry reports whether the replacement has the same as an entry, under any name.
func (c *Comparison) hasEqualEntry(e *Entry) bool {
	list := c.New
	if c.replacesColumn() {
		list = c.Old
	}
	for i := range list {
		other := &list[i]
		if other.Kind != e.Kind || c.replacesColumn() && !slices.Contains(other.Columns, c.Replaced.NewColumn) {
			continue
		}
		if c.renameParts(e.Definition, e.Name, other.Name) == c.renameParts(other.Definition, "", "") &&
			(c.hasMatchingColumnName(e, other) || !namedAsColumn[e.Kind]) {
			return true
		}
	}
	return false
}

// namedAsColumn are the kinds whose entries have the name of their column.
var namedAsColumn = map[string]bool{"column": true, "not null": true, "default": true, "identity": true, "generated column": true, "options of column": true}

// hasMatchingColumnName reports whether the other entry has the name of the column that corresponds to an entry's.
func (c *Comparison) hasMatchingColumnName(e, other *Entry) bool {
	if !c.replacesColumn() {
		return e.Name == other.Name
	}
	return pgparse.QuoteIdent(c.Replaced.NewColumn) == other.Name && pgparse.QuoteIdent(c.Replaced.OldColumn) == e.Name
}

// renameParts returns a definition in which the replacement has its own name, and the entry another one.
func (c *Comparison) renameParts(definition, name, another string) string {
	names := map[string]string{}
	if c.replacesColumn() {
		names[c.Replaced.OldColumn] = c.Replaced.NewColumn
	} else {
		names[bareName(c.Replaced.Old)] = bareName(c.Replaced.New)
	}
	if name != "" {
		names[bareName(name)] = bareName(another)
	}
	var b strings.Builder
	copied := 0
	for x := pgparse.NextLexeme(definition, 0); x.Kind != pgparse.LexemeEnd; x = pgparse.NextLexeme(definition, x.End) {
		if x.Kind != pgparse.LexemeWord && x.Kind != pgparse.LexemeQuoted {
			continue
		}
		if to, known := names[bareName(definition[x.Start:x.End])]; known {
			b.WriteString(definition[copied:x.Start] + pgparse.QuoteIdent(to))
			copied = x.End
		}
	}
	return b.String() + definition[copied:]
}

// bareName returns the last part of a name, without quotes.
func bareName(name string) string {
	last := name
	for x := pgparse.NextLexeme(name, 0); x.Kind != pgparse.LexemeEnd; x = pgparse.NextLexeme(name, x.End) {
		if x.Kind == pgparse.LexemeWord || x.Kind == pgparse.LexemeQuoted {
			last = name[x.Start:x.End]
		}
	}
	if inner, quoted := strings.CutPrefix(last, `"`); quoted {
		return strings.ReplaceAll(strings.TrimSuffix(inner, `"`), `""`, `"`)
	}
	return last
}

// newSuffix is the suffix of the name of an object that is about the replacement column, while the old one is there.
const newSuffix = "_new"

// RenameStatement returns the statement that gives the equal of a loss its name, after the old one is gone; "" for none.
func (l *Loss) RenameStatement() string {
	if l.Kind != "statistics" {
		return ""
	}
	words := strings.Fields(l.Equal) // CREATE STATISTICS schema.name …
	return "ALTER STATISTICS " + words[2] + " RENAME TO " + l.Name
}

// alterStatistics returns statements that give a new statistics object the properties that its statement does not have.
func alterStatistics(create, properties string) (sql string) {
	name := strings.Fields(create)[2]
	for property := range strings.SplitSeq(properties, "; ") {
		if target, ok := strings.CutPrefix(property, "target "); ok {
			sql += "; ALTER STATISTICS " + name + " SET STATISTICS " + target
		}
		if owner, ok := strings.CutPrefix(property, "owner "); ok {
			sql += "; ALTER STATISTICS " + name + " OWNER TO " + owner
		}
	}
	return sql
}

// copyStatement returns a statement that gives the replacement column the same as the old one has, if both are there.
func (c *Comparison) copyStatement(e *Entry) string {
	if !c.replacesColumn() || !slices.ContainsFunc(c.Old, func(o Entry) bool {
		return o.Kind == "column" && slices.Equal(o.Columns, []string{c.Replaced.NewColumn})
	}) {
		return ""
	}
	definition, properties, _ := strings.Cut(e.Definition, "; ")
	name := bareName(e.Name) + newSuffix
	definition = c.renameParts(definition, e.Name, name)
	alter := "ALTER TABLE " + c.Replaced.Old + " "
	column := alter + "ALTER COLUMN " + pgparse.QuoteIdent(c.Replaced.NewColumn)
	if strings.Contains(e.Name, " of ") { // of a child, or of another table
		return ""
	}
	switch e.Kind {
	case "index":
		if properties == "" {
			return strings.Replace(definition, "INDEX ", "INDEX CONCURRENTLY ", 1)
		}
	case "statistics":
		return definition + alterStatistics(definition, properties)
	case "check", "foreign key":
		add := alter + "ADD CONSTRAINT " + pgparse.QuoteIdent(name) + " " + definition
		if strings.HasSuffix(definition, "NOT VALID") {
			return add
		}
		return add + " NOT VALID; " + alter + "VALIDATE CONSTRAINT " + pgparse.QuoteIdent(name)
	case "default":
		return column + " SET DEFAULT " + definition
	case "not null":
		return column + " SET NOT NULL"
	}
	return ""
}
