package catalog

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog/builtin"
	"github.com/onward-sql/onward/internal/pgerror"
)

// fullNameForCreate returns the full name of an object that is about to be created.
func (c *Catalog) fullNameForCreate(schema, name string) Name {
	if schema == "" {
		schema = c.CreationSchema()
	}
	return Name{schema, name}
}

// guessFullName returns the most likely full name of an unqualified name that no known object
// has. It skips the temporary and system schemas on the path: an object there would have
// been seen.
func (c *Catalog) guessFullName(schema, name string) Name {
	if schema == "" {
		for _, s := range c.SearchPath {
			if s != "pg_temp" && !isSystemSchema(s) {
				return Name{s, name}
			}
		}
	}
	return c.fullNameForCreate(schema, name)
}

// IsObjectDropped reports whether an object was seen dropped, and not created again since.
func (c *Catalog) IsObjectDropped(kind string, name Name) bool {
	_, isDropped := c.gone.get(objectKey{kind, name})
	return isDropped
}

// isMissing reports whether an object certainly does not exist: it was seen dropped, or the
// catalog is complete.
func (c *Catalog) isMissing(kind string, name Name) bool {
	if c.Complete && (kind != "schema" || name.Name != "public") { // every database has it
		return true
	}
	return c.IsObjectDropped(kind, name)
}

// IsAbsent reports whether there certainly is no object of a kind ("schema", "server") and
// a name.
func (c *Catalog) IsAbsent(kind, name string) bool {
	full := Name{"", clipName(name)}
	if isSystemSchema(full.Name) || c.Object(kind, full) != nil || !c.isMissing(kind, full) {
		return false
	}
	found := false
	if kind == "schema" { // a dump may omit the schema of its tables
		c.EachRelation(func(r *Relation) bool { found = r.Name.Schema == full.Name; return !found })
	}
	return !found
}

// AbsentFunction reports whether there certainly is no function of a name, including
// functions of the server and of extensions.
func (c *Catalog) AbsentFunction(schema, name string) bool {
	if builtin.Known(name) || isSystemSchema(schema) || len(c.Functions(schema, name)) > 0 {
		return false
	}
	if _, isDropped := c.gone.get(objectKey{"function", c.fullNameForCreate(schema, name)}); isDropped {
		return true
	}
	return c.Complete && !c.extensionMayProvide(builtin.Function, name)
}

func (f *fold) markDropped(kind string, name Name) {
	f.gone = f.gone.insertKey(f.own, objectKey{kind, name}, struct{}{})
}

// unmarkDropped forgets that an object was dropped, because it may exist again.
func (f *fold) unmarkDropped(kind string, name Name) {
	if f.gone.size > 0 {
		f.gone = f.gone.deleteKey(f.own, objectKey{kind, name})
	}
}

// IsDropped reports whether a relation was seen to be dropped and not created again. A name
// without a schema means the schema where it would be created.
func (c *Catalog) IsDropped(schema, name string) bool {
	_, isDropped := c.gone.get(objectKey{"relation", c.guessFullName(schema, clipName(name))})
	return isDropped
}

// FindCaseVariant returns the relation whose name differs only in capital letters; nil if there is
// none.
func (c *Catalog) FindCaseVariant(name Name) *Relation {
	oid, ok := c.capitals.get(Name{name.Schema, strings.ToLower(name.Name)})
	if !ok {
		return nil
	}
	r := c.Relation(oid)
	if r == nil || r.Inferred || r.Name == name || r.Name.Schema != name.Schema || !strings.EqualFold(r.Name.Name, name.Name) {
		return nil
	}
	return r
}

// newCaseVariantProblem is the problem of a name that nothing has, and something else in
// quotes. Something beside the history may have it.
func newCaseVariantProblem(name string, twin *Relation) Problem {
	return Problem{Refusal: *pgerror.RelationMissing.NewRefusal(name), Unseen: true, Like: twin.Name.Name}
}

// changeInferredKind makes another kind of an inferred relation, whose kind was a guess, and
// takes with it what the guess had tied to others.
func (f *fold) changeInferredKind(r *Relation, kind Kind) {
	if r.Index != nil {
		if t := f.editRelation(r.Index.Table); t != nil {
			t.Indexes = removeValue(t.Indexes, r.OID)
			for _, c := range t.Constraints {
				if c.Index == r.OID {
					t.editConstraint(c.ID).Index = 0
				}
			}
		}
		f.removeFromPartitionedIndex(r)
		for _, oid := range r.Partitions {
			if part := f.editRelation(oid); part != nil && part.Index != nil {
				info := *part.Index
				info.Parent = 0
				part.Index = &info
			}
		}
		r.copyRare().Partitions = nil
	}
	if r.View != nil {
		f.removeDependent(r)
	}
	if r.Seq != nil {
		f.removeSequenceDefault(r)
	}
	r.Kind, r.Index, r.View, r.Seq = kind, nil, nil, nil
	switch kind {
	case Index, PartitionedIndex:
		r.Index = &IndexInfo{Valid: true}
	case View, MaterializedView:
		r.View = &ViewInfo{}
	case Sequence:
		r.Seq = &SequenceInfo{}
	}
}

func isSystemSchema(s string) bool { return s == "pg_catalog" || s == "information_schema" }

func displayName(schema, name string) string {
	if schema == "" {
		return name
	}
	return schema + "." + name
}

// requireRowRelation makes sure that a relation is a table, or one of the other kinds
// that a statement works on. An inferred one becomes a table, as its kind was a
// guess; any other is refused with no.
func (f *fold) requireRowRelation(r *Relation, no *pgerror.Refusal, otherKinds ...Kind) bool {
	if r.Kind.IsTable() || r.Kind == ForeignTable || slices.Contains(otherKinds, r.Kind) {
		return true
	}
	if r.Inferred {
		f.changeInferredKind(f.editRelation(r.OID), Table)
		return true
	}
	f.addConflictRefusal(true, no)
	return false
}

// inferRelation stores a relation that no statement created.
func (f *fold) inferRelation(name Name, kind Kind) *Relation {
	r := &Relation{Name: name, Kind: kind, Inferred: true, NextAttnum: 1, Rare: &plain}
	f.changeInferredKind(r, kind)
	f.storeRelation(r)
	guess := *r
	f.guesses = f.guesses.insertKey(f.own, r.OID, &guess)
	f.guessedByName = f.guessedByName.insertKey(f.own, name, r.OID)
	return r
}

// requireColumn finds a column of a relation by name. On a relation that was not seen
// whole a missing column becomes an inferred one. nil, with a problem unless
// missingOK, when the relation has no such column.
func (f *fold) requireColumn(oid OID, name string, missingOK bool) *Column {
	if missingOK {
		return f.requireColumnOrRefuse(oid, name, nil)
	}
	return f.requireColumnOrRefuse(oid, name, &pgerror.ColumnMissing)
}

// requireColumnOrRefuse is requireColumn with the refusal of a missing one, which differs by
// statement; nil makes none.
func (f *fold) requireColumnOrRefuse(oid OID, name string, no *pgerror.Kind) *Column {
	r := f.Relation(oid)
	if r == nil {
		return nil
	}
	name = clipName(name)
	if c := r.Column(name); c != nil {
		return c
	}
	dropped := slices.Contains(r.DroppedColumns, name)
	open := r.Inferred || r.Partial
	if open && !dropped {
		return f.inferColumn(oid, name)
	}
	certain := dropped || f.isHistoryComplete()
	if no != nil {
		p := f.addProblem(certain, *no, []string{name, r.Name.Name}[:no.CountPlaces()]...)
		p.Like, p.Conflict = r.findCaseVariant(name), f.IsFullyKnown(r)
	}
	if certain {
		return nil
	}
	return f.inferColumn(oid, name)
}

// findCaseVariant returns the column whose name differs only in capital letters; "" for none.
func (r *Relation) findCaseVariant(name string) string {
	for _, c := range r.Columns {
		if strings.EqualFold(c.Name, name) {
			return c.Name
		}
	}
	return ""
}

func (f *fold) inferColumn(oid OID, name string) *Column {
	var col *Column
	if r := f.editRelation(oid); r != nil && r.NextAttnum <= maxColumns {
		col = f.attachColumn(r, &Column{Name: name, Inferred: true, Local: true, RareColumn: &plainColumn})
		f.recordGuessedColumn(oid, r, col)
	}
	return col
}

// recordGuessedColumn notes that a relation must have had a column all the time.
func (f *fold) recordGuessedColumn(oid OID, r *Relation, c *Column) {
	guess := Relation{OID: oid, Name: r.Name, Kind: r.Kind, Inferred: r.Inferred, Partial: r.Partial, Rare: &plain}
	if old, ok := f.guesses.get(oid); ok {
		guess = *old
	}
	guess.Columns = appendShared(f, guess.Columns, c)
	guess.NextAttnum = c.Attnum + 1
	f.guesses = f.guesses.insertKey(f.own, oid, &guess)
}

// attachColumn appends a column and numbers it.
func (f *fold) attachColumn(r *Relation, c *Column) *Column {
	f.countMade(1)
	if r.NextAttnum == 0 {
		r.NextAttnum = 1
	}
	r.assignAttnum(c)
	r.Columns = appendShared(f, r.Columns, c)
	return c
}

// assignAttnum gives a column its number.
func (r *Relation) assignAttnum(c *Column) {
	if n, ok := r.numbers[c.Name]; ok {
		c.Attnum = n
		return
	}
	c.Attnum = r.NextAttnum
	r.NextAttnum++
}

// editColumn returns a copy of a column that may be changed; nil if there is no such column.
func (r *Relation) editColumn(attnum int16) *Column {
	for i, c := range r.Columns {
		if c.Attnum == attnum {
			next := *c
			r.Columns = slices.Clone(r.Columns)
			r.Columns[i] = &next
			return &next
		}
	}
	return nil
}

// editConstraint gives a copy of a constraint that may be changed.
func (r *Relation) editConstraint(id OID) *Constraint {
	for i, c := range r.Constraints {
		if c.ID == id {
			next := *c
			r.Constraints = slices.Clone(r.Constraints)
			r.Constraints[i] = &next
			return &next
		}
	}
	return nil
}

// resolveAttnums are the numbers of columns by name; the missing ones are problems,
// and left out.
func (f *fold) resolveAttnums(oid OID, names []string) []int16 {
	out := make([]int16, 0, len(names))
	for _, n := range names {
		if c := f.requireColumn(oid, n, false); c != nil {
			out = append(out, c.Attnum)
		}
	}
	return out
}

// ColumnNames are the names of columns by number; what is no column any more is left out.
func (r *Relation) ColumnNames(attnums []int16) []string {
	out := make([]string, 0, len(attnums))
	for _, a := range attnums {
		if c := r.Attr(a); c != nil {
			out = append(out, c.Name)
		}
	}
	return out
}

// removeValue is a list without one value; the list itself stays as it is.
func removeValue[T comparable](list []T, v T) []T {
	i := slices.Index(list, v)
	if i < 0 {
		return list
	}
	return append(slices.Clone(list[:i]), list[i+1:]...)
}
