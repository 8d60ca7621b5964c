package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
)

// links are the objects that a part of a release changes, and those that it may depend on. A part depends on another one if it
// may use an object that the other one changes.
type links struct {
	changes, uses map[string]bool
	// common are the links that a command of an ALTER TABLE has together with the statement's other commands.
	common *links
	// label is the first changed object, for people: "orders.note".
	label string
}

func newLinks() links { return links{changes: map[string]bool{}, uses: map[string]bool{}} }

// add adds the links of a part. Those that it has in common with a part that was added before are there already.
func (l *links) add(other *links, commonAdded map[*links]bool) {
	maps.Copy(l.changes, other.changes)
	maps.Copy(l.uses, other.uses)
	if other.common != nil && !commonAdded[other.common] {
		commonAdded[other.common] = true
		l.add(other.common, commonAdded)
	}
}

// mustKeepOrderWith reports whether parts with two sets of links must keep their order: one changes what the other may use, or both use one relation,
// whose rows one may read and the other write.
func (l *links) mustKeepOrderWith(other *links) bool {
	for key := range other.changes {
		if l.uses[key] {
			return true
		}
	}
	for key := range other.uses {
		if l.changes[key] || l.uses[key] && strings.HasPrefix(key, relationPrefix) {
			return true
		}
	}
	return other.common != nil && l.mustKeepOrderWith(other.common)
}

// The keys of objects. Names have no schema: two objects of one name count as the same, which only makes a chain longer.
const relationPrefix = "relation "

func nameKey(name string) string                  { return "name " + name }
func relationKey(t catalog.OID) string            { return fmt.Sprintf(relationPrefix+"%d", t) }
func columnKey(t catalog.OID, name string) string { return fmt.Sprintf("column %d %s", t, name) }
func rowsKey(t catalog.OID) string                { return fmt.Sprintf("rows %d", t) }

// linksOf returns the links of a part.
func linksOf(t *part, shares map[*rule.Stmt]*commandShares) links {
	l := newLinks()
	for _, s := range t.statements {
		if s.Node == nil {
			continue
		}
		if t.change != nil && t.change.Command != nil {
			if shares[s] == nil {
				shares[s] = divideAmongCommands(s)
			}
			l.addCommand(t.change.Command, s, shares[s])
			continue
		}
		words := pgparse.ListWrittenNames(s.SQL, s.Node)
		for i := range s.Deltas {
			l.addDelta(&s.Deltas[i], s.Before)
		}
		l.addWrittenRows(s, words)
		if fn := s.Node.GetCreateFunctionStmt(); fn != nil {
			l.addFunctionTables(s, pgparse.LastText(fn.Funcname), words)
		}
		l.addNames(effectTables(s, s.Deltas), words)
	}
	return l
}

// addFunctionTables adds the columns that a function may use, of the tables that it names or whose triggers call it: a trigger calls a column
// NEW.email, without its table.
func (l *links) addFunctionTables(s *rule.Stmt, function string, words []string) {
	s.After.EachRelation(func(r *catalog.Relation) bool {
		if !slices.Contains(words, r.Name.Name) && !slices.ContainsFunc(r.Triggers, func(x *catalog.Trigger) bool { return x.Function.Name == function }) {
			return true
		}
		for _, w := range words {
			l.uses[columnKey(r.OID, w)] = true
		}
		return true
	})
}

// commandShares divides the changes of an ALTER TABLE among its commands.
type commandShares struct {
	// words are the names in each command, also those in its texts; indexes are the positions of the changes that have a name.
	words   map[*pgparse.AlterTableCmd][]string
	indexes map[string][]int
	// common are the links of the changes that no command names; tables and columns are theirs, and labelIndex is the change that labels them.
	common     *links
	tables     map[catalog.OID]bool
	columns    []string
	labelIndex int
}

// divideAmongCommands reads each command and each change once: a statement may have thousands.
func divideAmongCommands(s *rule.Stmt) *commandShares {
	common := newLinks()
	shares := &commandShares{words: map[*pgparse.AlterTableCmd][]string{}, indexes: map[string][]int{}, common: &common}
	written := map[string]bool{}
	for i, n := range s.Node.GetAlterTableStmt().Cmds {
		words := pgparse.ListWrittenNames(s.CommandText(i), n)
		shares.words[n.GetAlterTableCmd()] = words
		for _, w := range words {
			written[w] = true
		}
	}
	var unnamed []catalog.Delta
	for i := range s.Deltas {
		d := &s.Deltas[i]
		names := deltaNames(d)
		for _, name := range names {
			shares.indexes[name] = append(shares.indexes[name], i)
		}
		if slices.ContainsFunc(names, func(name string) bool { return written[name] }) {
			continue
		}
		unnamed = append(unnamed, *d)
		shares.columns = append(shares.columns, constraintColumns(d)...)
		isLabelled := common.label != ""
		if common.addDelta(d, s.Before); !isLabelled {
			shares.labelIndex = i
		}
	}
	shares.tables = effectTables(s, unnamed)
	common.addNames(shares.tables, shares.columns)
	return shares
}

// addCommand adds a command of an ALTER TABLE: what it names, and what no command names.
func (l *links) addCommand(command *pgparse.AlterTableCmd, s *rule.Stmt, shares *commandShares) {
	l.common = shares.common
	words := slices.Clone(shares.words[command])
	var indexes []int
	for _, w := range words {
		indexes = append(indexes, shares.indexes[w]...)
	}
	slices.Sort(indexes)
	tables := map[catalog.OID]bool{}
	for _, i := range slices.Compact(indexes) {
		d := &s.Deltas[i]
		if l.label == "" && shares.labelIndex < i {
			l.label = shares.common.label
		}
		l.addDelta(d, s.Before)
		words = append(words, constraintColumns(d)...)
		if !shares.tables[d.OID] {
			tables[d.OID] = true
		}
	}
	l.label = cmp.Or(l.label, shares.common.label)
	l.addNames(tables, append(shares.columns[:len(shares.columns):len(shares.columns)], words...))
	l.addNames(shares.tables, words)
}

// effectTables returns the relations that a statement locks, and what the changes are about.
func effectTables(s *rule.Stmt, deltas []catalog.Delta) map[catalog.OID]bool {
	tables := map[catalog.OID]bool{}
	for i := range s.Result.Effects {
		tables[s.Result.Effects[i].OID] = true
	}
	for i := range deltas {
		tables[deltas[i].OID] = true
	}
	return tables
}

// mostColumnKeys limits the pairs of a table and a word of one statement. If there are more, it uses all columns of its tables.
const mostColumnKeys = 10_000

// addNames adds the uses of relations, and of what names in a statement may mean.
func (l *links) addNames(tables map[catalog.OID]bool, words []string) {
	for _, w := range words {
		l.uses[nameKey(w)] = true
	}
	for oid := range tables {
		if oid == 0 {
			continue
		}
		l.uses[relationKey(oid)] = true
		if len(tables)*len(words) > mostColumnKeys {
			l.uses[columnKey(oid, "")] = true
			continue
		}
		for _, w := range words {
			l.uses[columnKey(oid, w)] = true
		}
	}
}

// constraintColumns returns the columns of a constraint that a delta adds.
func constraintColumns(d *catalog.Delta) []string {
	if d.NewConstraint == nil || d.After == nil {
		return nil
	}
	return d.After.ColumnNames(d.NewConstraint.Columns)
}

// addDelta adds what a change of the schema changes.
func (l *links) addDelta(d *catalog.Delta, before *catalog.Catalog) {
	switch d.Kind {
	case catalog.Granted, catalog.Revoked:
		return
	case catalog.RelationChanged:
		l.addChange(fmt.Sprintf("setting %d %s", d.OID, d.What), d.Name().String())
		return
	case catalog.RelationCreated, catalog.RelationDropped, catalog.RelationRenamed, catalog.ViewReplaced,
		catalog.PartitionAttached, catalog.PartitionDetached, catalog.InheritanceChanged:
		l.addChangedRelations(d.OID, d.Before, d.After, d.Other)
		return
	}
	table := d.Name().String()
	if d.Old != nil || d.New != nil {
		for _, name := range deltaNames(d) {
			l.addColumnChange(d.OID, name, table+"."+name)
		}
		l.changes[rowsKey(d.OID)] = true
		if d.Old != nil && d.Before != nil {
			l.addSharedKeyColumns(d, before)
		}
		return
	}
	l.addOwnColumns(d)
	for _, name := range append(deltaNames(d), deltaObjectNames(d)...) {
		label := name
		if d.OID != 0 {
			label = table + "." + name
		}
		l.addChange(nameKey(name), label)
	}
	if d.OldTrigger != nil || d.NewTrigger != nil || d.Kind == catalog.RuleCreated || d.Kind == catalog.RuleDropped {
		l.changes[rowsKey(d.OID)] = true
	}
}

// addOwnColumns adds the columns of an index or a constraint that is made or dropped: a statement that drops it need not name them, and a
// drop of one of them drops it, too.
func (l *links) addOwnColumns(d *catalog.Delta) {
	add := func(t *catalog.Relation, columns []int16) {
		if t == nil {
			return
		}
		for _, name := range t.ColumnNames(columns) {
			l.uses[columnKey(t.OID, name)] = true
		}
	}
	for _, x := range []*catalog.Relation{d.OldIndex, d.NewIndex} {
		if x != nil && x.Index != nil {
			add(cmp.Or(d.Before, d.After), indexColumns(x))
		}
	}
	for _, con := range []*catalog.Constraint{d.OldConstraint, d.NewConstraint} {
		if con != nil {
			add(cmp.Or(d.Before, d.After), con.Columns)
		}
	}
}

func (l *links) addColumnChange(t catalog.OID, name, label string) {
	l.changes[columnKey(t, "")] = true
	l.addChange(columnKey(t, name), label)
}

func (l *links) addChange(key, label string) {
	l.changes[key], l.uses[key] = true, true
	if l.label == "" {
		l.label = label
	}
}

// addChangedRelations adds whole relations, whose columns and names all change.
func (l *links) addChangedRelations(oid catalog.OID, list ...*catalog.Relation) {
	l.changes[relationKey(oid)] = true
	for _, r := range list {
		if r == nil {
			continue
		}
		l.addChange(relationKey(r.OID), r.Name.String())
		l.addChange(nameKey(r.Name.Name), r.Name.String())
		l.changes[rowsKey(r.OID)] = true
	}
}

// addSharedKeyColumns adds the columns that share a foreign key, a key or an index with a changed column: a plan replaces them together.
func (l *links) addSharedKeyColumns(d *catalog.Delta, before *catalog.Catalog) {
	switch d.Kind {
	case catalog.ColumnTypeChanged, catalog.ColumnRenamed, catalog.ColumnDropped, catalog.ColumnIdentityChanged:
	default:
		return
	}
	add := func(t *catalog.Relation, columns []int16) {
		if t == nil {
			return
		}
		l.uses[relationKey(t.OID)] = true // a new foreign key names it
		for _, name := range t.ColumnNames(columns) {
			l.addColumnChange(t.OID, name, name)
		}
	}
	for _, con := range d.Before.Constraints {
		if slices.Contains(con.Columns, d.Old.Attnum) {
			add(d.Before, con.Columns)
			add(before.Relation(con.Ref), con.RefColumns)
		}
	}
	for _, ref := range before.ListReferences(d.Before, true) {
		if slices.Contains(ref.Con.RefColumns, d.Old.Attnum) {
			add(ref.From, ref.Con.Columns)
			add(d.Before, ref.Con.RefColumns)
		}
	}
	for _, x := range before.IndexesOf(d.Before) {
		if columns := indexColumns(x); slices.Contains(columns, d.Old.Attnum) {
			add(d.Before, columns)
		}
	}
}

// indexColumns returns all columns that an index reads.
func indexColumns(x *catalog.Relation) (out []int16) {
	for _, k := range x.Index.Keys {
		out = append(append(out, k.Column), k.Columns...)
	}
	out = append(append(out, x.Index.Include...), x.Index.PredicateColumns...)
	return slices.DeleteFunc(out, func(n int16) bool { return n == 0 })
}

// addWrittenRows adds the rows that a statement writes: of an UPDATE the columns that it sets, or else all columns of the table.
func (l *links) addWrittenRows(s *rule.Stmt, words []string) {
	switch n := s.Node.GetNode().(type) {
	case *pgparse.Node_UpdateStmt:
		if r, _ := s.Before.Resolve(n.UpdateStmt.Relation); r != nil {
			for _, set := range n.UpdateStmt.TargetList {
				name := set.GetResTarget().GetName()
				l.addColumnChange(r.OID, name, r.Name.String()+"."+name)
			}
		}
		return
	case *pgparse.Node_InsertStmt, *pgparse.Node_DeleteStmt, *pgparse.Node_MergeStmt, *pgparse.Node_TruncateStmt, *pgparse.Node_CopyStmt:
	default:
		return
	}
	for i := range s.Result.Effects {
		e := &s.Result.Effects[i]
		r := s.Before.Relation(e.OID)
		if r == nil || !slices.Contains(words, r.Name.Name) {
			continue
		}
		l.addChange(rowsKey(e.OID), r.Name.String())
		for _, col := range r.Columns {
			l.uses[columnKey(e.OID, col.Name)] = true
		}
	}
}

// isDataDependent reports whether the outcome of a part depends on rows, so that code before it may have to write them first.
func (t *part) isDataDependent() bool {
	if t.change == nil {
		return !t.isCode()
	}
	switch n := t.change.Node.GetNode().(type) {
	case *pgparse.Node_DoStmt:
		return true
	case *pgparse.Node_AlterTableStmt:
		return dataCommands[t.change.Command.GetSubtype()]
	case *pgparse.Node_IndexStmt:
		return n.IndexStmt.Unique
	case *pgparse.Node_UpdateStmt, *pgparse.Node_InsertStmt, *pgparse.Node_DeleteStmt, *pgparse.Node_MergeStmt, *pgparse.Node_TruncateStmt,
		*pgparse.Node_CreateTableAsStmt, *pgparse.Node_SelectStmt:
		return true
	}
	return false
}

// dataCommands are the commands of ALTER TABLE that check or convert rows.
var dataCommands = map[pgparse.AlterTableType]bool{
	pgparse.AlterTableType_AT_SetNotNull: true, pgparse.AlterTableType_AT_AddConstraint: true, pgparse.AlterTableType_AT_ValidateConstraint: true,
	pgparse.AlterTableType_AT_AlterColumnType: true, pgparse.AlterTableType_AT_AttachPartition: true,
}
