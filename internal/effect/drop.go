package effect

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// dropStmt is DROP of whatever the grammar treats alike.
func (r *run) dropStmt(s *pgparse.DropStmt) {
	cascade := s.GetBehavior() == pgparse.DropBehavior_DROP_CASCADE
	switch s.GetRemoveType() {
	case pgparse.ObjectType_OBJECT_TABLE, pgparse.ObjectType_OBJECT_FOREIGN_TABLE, pgparse.ObjectType_OBJECT_VIEW,
		pgparse.ObjectType_OBJECT_MATVIEW, pgparse.ObjectType_OBJECT_SEQUENCE, pgparse.ObjectType_OBJECT_INDEX:
		r.dropRelations(s, cascade)
	case pgparse.ObjectType_OBJECT_TRIGGER, pgparse.ObjectType_OBJECT_RULE, pgparse.ObjectType_OBJECT_POLICY:
		for _, o := range s.GetObjects() {
			r.dropFromTable(s, o.GetList().GetItems())
		}
	case pgparse.ObjectType_OBJECT_STATISTIC_EXT:
		for _, o := range s.GetObjects() {
			r.dropStatistics(o.GetList().GetItems(), s.GetMissingOk())
		}
	case pgparse.ObjectType_OBJECT_SCHEMA:
		for _, o := range s.GetObjects() {
			r.dropSchema(text(o), cascade, s.GetMissingOk())
		}
	case pgparse.ObjectType_OBJECT_TYPE, pgparse.ObjectType_OBJECT_DOMAIN:
		for _, o := range s.GetObjects() {
			r.dropType(o.GetTypeName(), cascade)
		}
	case pgparse.ObjectType_OBJECT_FUNCTION, pgparse.ObjectType_OBJECT_PROCEDURE, pgparse.ObjectType_OBJECT_ROUTINE, pgparse.ObjectType_OBJECT_AGGREGATE:
		for _, o := range s.GetObjects() {
			r.dropFunction(o.GetObjectWithArgs(), cascade)
		}
	default:
		// Extensions, operators, collations, servers, …: no relation is locked,
		// unless CASCADE reaches one.
		if cascade {
			r.Unmodelled = "DROP … CASCADE of an object that is no relation, type, function or schema"
		}
	}
}

func (r *run) dropRelations(s *pgparse.DropStmt, cascade bool) {
	kind := objectKind(s.GetRemoveType())
	if s.GetConcurrent() {
		r.NoTransaction = "DROP INDEX CONCURRENTLY"
		if len(s.GetObjects()) > 1 {
			r.refuse("DROP INDEX CONCURRENTLY does not support dropping multiple objects")
			return
		}
		if cascade {
			r.refuse("DROP INDEX CONCURRENTLY does not support CASCADE")
			return
		}
	}
	var named []*catalog.Relation
	for _, o := range s.GetObjects() {
		schema, name := nameOf(o.GetList().GetItems())
		if rel := r.find(schema, name, kind, s.GetMissingOk()); rel != nil {
			named = append(named, rel)
		}
	}
	for _, rel := range named {
		e := r.lock(rel, ael)
		if s.GetConcurrent() {
			e.Lock = 0
		}
		e.Dropped = true
		if s.GetMissingOk() && rel.Inferred && rel.OID == 0 {
			e.Unsure, e.Why = true, "it may not exist"
		}
	}
	for _, rel := range named {
		if kind == catalog.Index {
			r.dropIndex(rel, s.GetConcurrent(), cascade)
			continue
		}
		r.dropRelation(rel, cascade, 0)
	}
}

// dropRelation locks a table, view or sequence that is dropped, with all that
// goes with it and all that loses something by it.
func (r *run) dropRelation(rel *catalog.Relation, cascade bool, depth int) {
	if depth > maxDepth {
		return
	}
	name := rel.Name.String()
	switch rel.Kind {
	case catalog.Sequence:
		r.dropSequence(rel, cascade)
		return
	case catalog.View, catalog.MaterializedView:
	default:
		r.dropTableParts(rel, cascade, depth)
	}
	for _, i := range r.indexes(rel) {
		r.drop(i, "index of "+name)
	}
	for _, v := range r.rels(rel.Dependents) {
		if r.dropped(v.OID) {
			continue
		}
		if !cascade {
			r.refuse("cannot drop " + rel.Kind.String() + " " + rel.Name.Name + " because other objects depend on it")
			continue
		}
		r.drop(v, "reads "+name)
		r.dropRelation(v, true, depth+1)
	}
}

func (r *run) dropTableParts(rel *catalog.Relation, cascade bool, depth int) {
	name := rel.Name.String()
	if parent := r.c.Relation(rel.Parent); parent != nil {
		r.lockFor(parent, ael, name+" is its partition")
		if d := r.c.Relation(parent.Default); d != nil && d != rel {
			r.lockFor(d, ael, "default partition of "+parent.Name.String())
		}
	}
	for _, con := range rel.Constraints {
		// A partition's clone of its parent's key has no triggers over there.
		if con.Kind == catalog.ForeignKey && con.Ref != rel.OID && (!con.Parent || r.goesToo(r.c.Relation(rel.Parent))) {
			r.dropForeignKey(con, true)
		}
	}
	for _, ref := range r.references(rel, true) {
		if ref.from == rel || r.dropped(ref.from.OID) {
			continue
		}
		if target := r.c.Relation(ref.con.Ref); target != rel && !r.goesToo(target) {
			// The key points to what this is a partition of: it goes as a whole.
			if !cascade {
				r.refuse("cannot drop table " + rel.Name.Name + " because other objects depend on it")
				continue
			}
			r.dropForeignKey(ref.con, true)
		}
		if !cascade && !r.goesToo(ref.from) {
			r.refuse("cannot drop table " + rel.Name.Name + " because other objects depend on it")
			continue
		}
		for _, t := range r.tree(ref.from, ref.from.Kind == catalog.PartitionedTable) {
			r.lockFor(t, ael, "its foreign key "+ref.con.Name+" is dropped")
		}
	}
	for _, s := range r.sequences(rel) {
		r.drop(s, "owned by "+name)
	}
	for _, k := range r.rels(rel.Partitions) {
		if !r.dropped(k.OID) {
			r.drop(k, "partition of "+name)
			r.dropRelation(k, cascade, depth+1)
		}
	}
	for _, k := range r.rels(rel.Children) {
		if r.dropped(k.OID) {
			continue
		}
		if !cascade {
			r.refuse("cannot drop table " + rel.Name.Name + " because other objects depend on it")
			continue
		}
		r.drop(k, "inherits from "+name)
		r.dropRelation(k, true, depth+1)
	}
	if cascade {
		r.typeUsers(rel.OID, func(user *catalog.Relation, col *catalog.Column) {
			r.lockFor(user, ael, "its column "+col.Name+" has the row type of "+name)
			r.dropColumnParts(user, col, true, depth+1)
		})
	}
}

// goesToo reports whether a table is dropped with what it is a partition of.
func (r *run) goesToo(rel *catalog.Relation) bool {
	for n := 0; rel != nil && n < maxDepth; n++ {
		if r.dropped(rel.OID) {
			return true
		}
		rel = r.c.Relation(rel.Parent)
	}
	return false
}

func (r *run) dropSequence(seq *catalog.Relation, cascade bool) {
	if seq.Seq == nil || seq.Seq.OwnerTable == 0 {
		// A default may use it all the same.
		return
	}
	table := r.c.Relation(seq.Seq.OwnerTable)
	if table == nil {
		return
	}
	col := table.Attr(seq.Seq.OwnerColumn)
	if col == nil || r.dropped(table.OID) {
		return
	}
	if col.Identity != "" {
		r.refuse("cannot drop sequence " + seq.Name.Name + " because column " + col.Name + " of table " + table.Name.Name + " requires it")
		return
	}
	if col.Default == nil {
		return
	}
	if !cascade {
		r.refuse("cannot drop sequence " + seq.Name.Name + " because other objects depend on it")
		return
	}
	r.lockFor(table, ael, "the default of its column "+col.Name+" is dropped")
}

// dropColumn is DROP COLUMN.
func (a *alter) dropColumn(cmd *pgparse.AlterTableCmd) {
	cascade := cmd.GetBehavior() == pgparse.DropBehavior_DROP_CASCADE
	col, known := column(a.rel, cmd.GetName())
	if col == nil {
		if known && !cmd.GetMissingOk() {
			a.refuse(`column "` + cmd.GetName() + `" of relation "` + a.rel.Name.Name + `" does not exist`)
		}
		return
	}
	if a.rel.Kind == catalog.PartitionedTable && !a.recurse {
		a.refuse("cannot drop column from only the partitioned table when partitions exist")
		return
	}
	if col.Inherited {
		a.refuse(`cannot drop inherited column "` + col.Name + `"`)
		return
	}
	for _, k := range a.rel.PartitionKey {
		if k.Column == col.Attnum || contains(k.Columns, col.Attnum) {
			a.refuse(`cannot drop column "` + col.Name + `" because it is part of the partition key of relation "` + a.rel.Name.Name + `"`)
			return
		}
	}
	a.droppedColumns = append(a.droppedColumns, col.Name)
	for _, con := range a.rel.Constraints {
		if contains(con.Columns, col.Attnum) {
			a.droppedConstraints = append(a.droppedConstraints, con) // it goes with its column
		}
	}
	a.dropDown(a.rel, col.Name, cascade, 0)
	if a.rel.Kind == catalog.CompositeType {
		a.typedTables(cmd.GetBehavior(), nil)
	}
}

// dropDown drops a column of a table and, unless ONLY, of what inherits it. A
// child's own column stays, and its children are left alone.
func (a *alter) dropDown(rel *catalog.Relation, name string, cascade bool, depth int) {
	a.child(rel)
	col := rel.Column(name)
	if col == nil || depth > maxDepth || rel != a.rel && (!a.recurse || col.Local) {
		return
	}
	for _, k := range a.kids(rel) {
		a.dropDown(k, name, cascade, depth+1)
	}
	a.dropColumnParts(rel, col, cascade, 0)
}

// dropColumnParts locks what goes with a column, and what loses something by
// it.
func (r *run) dropColumnParts(rel *catalog.Relation, col *catalog.Column, cascade bool, depth int) {
	if depth > maxDepth {
		return
	}
	for _, index := range r.indexes(rel) {
		if usesColumn(index.Index, col) {
			r.dropIndexTree(index, "index on "+col.Name)
		}
	}
	for _, con := range rel.Constraints {
		if con.Kind == catalog.ForeignKey && contains(con.Columns, col.Attnum) && con.Ref != rel.OID {
			r.dropForeignKey(con, true)
		}
	}
	for _, ref := range r.references(rel, false) {
		uses := contains(ref.con.RefColumns, col.Attnum) || len(ref.con.RefColumns) == 0 && inPrimaryKey(rel, col)
		if !uses || ref.from == rel {
			continue
		}
		if !cascade {
			r.refuse("cannot drop column " + col.Name + " of table " + rel.Name.Name + " because other objects depend on it")
			return
		}
		for _, t := range r.tree(ref.from, ref.from.Kind == catalog.PartitionedTable) {
			r.lockFor(t, ael, "its foreign key "+ref.con.Name+" is dropped")
		}
	}
	if s := r.c.Relation(col.Sequence); s != nil {
		r.drop(s, "owned by the column "+col.Name)
	}
	for _, other := range rel.Columns {
		if other != col && contains(other.GeneratedFrom, col.Attnum) {
			// Up to 14 a generated column goes silently.
			if !cascade && r.v.AtLeast(15) {
				r.refuse("cannot drop column " + col.Name + " of table " + rel.Name.Name + " because other objects depend on it")
				return
			}
			r.dropColumnParts(rel, other, true, depth+1)
		}
	}
	if !cascade && usedByTrigger(rel, col) {
		r.refuse("cannot drop column " + col.Name + " of table " + rel.Name.Name + " because other objects depend on it")
		return
	}
	for _, v := range r.rels(rel.Dependents) {
		if v.View == nil || !contains(v.View.Columns[rel.OID], col.Attnum) || r.dropped(v.OID) {
			continue
		}
		if !cascade {
			r.refuse("cannot drop column " + col.Name + " of table " + rel.Name.Name + " because other objects depend on it")
			return
		}
		r.drop(v, "reads the column "+col.Name)
		r.dropRelation(v, true, depth+1)
	}
}

// usedByTrigger reports whether a trigger or policy names a column.
func usedByTrigger(rel *catalog.Relation, col *catalog.Column) bool {
	for _, t := range rel.Triggers {
		if contains(t.Columns, col.Attnum) || contains(t.Uses, col.Attnum) {
			return true
		}
	}
	for _, p := range rel.Policies {
		if contains(p.Uses, col.Attnum) {
			return true
		}
	}
	return false
}

// dropFromTable drops a trigger, rule or policy: name parts of the table, then
// the name.
func (r *run) dropFromTable(s *pgparse.DropStmt, parts []*pgparse.Node) {
	if len(parts) < 2 {
		return
	}
	schema, name := nameOf(parts[:len(parts)-1])
	object := text(parts[len(parts)-1])
	rel := r.find(schema, name, catalog.Table, s.GetMissingOk())
	if rel == nil {
		return
	}
	if s.GetRemoveType() != pgparse.ObjectType_OBJECT_TRIGGER {
		if s.GetMissingOk() && !r.hasObject(rel, s.GetRemoveType(), object) {
			return
		}
		r.lock(rel, ael)
		return
	}
	t := rel.Trigger(object)
	if t == nil && !rel.Inferred && !rel.Partial {
		if !s.GetMissingOk() {
			r.refuse(`trigger "` + object + `" for table "` + rel.Name.Name + `" does not exist`)
		}
		return
	}
	r.lock(rel, ael)
	if rel.Kind == catalog.PartitionedTable && (t == nil || t.Row) {
		r.below(rel, ael)
	}
}

func (r *run) hasObject(rel *catalog.Relation, kind pgparse.ObjectType, name string) bool {
	if rel.Inferred || rel.Partial {
		return true
	}
	if kind == pgparse.ObjectType_OBJECT_RULE {
		return contains(rel.Rules, name)
	}
	for _, p := range rel.Policies {
		if p.Name == name {
			return true
		}
	}
	return false
}

func (r *run) dropStatistics(parts []*pgparse.Node, missingOK bool) {
	if rel := r.statisticsTable(parts); rel != nil {
		r.lockFor(rel, sue, "its statistics object is dropped")
	}
}

// statisticsTable is the table of an extended statistics object.
func (r *run) statisticsTable(parts []*pgparse.Node) *catalog.Relation {
	schema, name := nameOf(parts)
	if schema == "" {
		schema = r.c.CreationSchema()
	}
	if o := r.c.Object("statistics object", catalog.Name{Schema: schema, Name: name}); o != nil {
		return r.c.Relation(o.Table)
	}
	return nil
}

// dropSchema locks all that is in a schema.
func (r *run) dropSchema(schema string, cascade, missingOK bool) {
	var in []*catalog.Relation
	r.c.Relations(func(rel *catalog.Relation) bool {
		if rel.Name.Schema == schema && rel.Kind != catalog.Index && rel.Kind != catalog.PartitionedIndex {
			in = append(in, rel)
		}
		return true
	})
	if len(in) > 0 && !cascade {
		r.refuse("cannot drop schema " + schema + " because other objects depend on it")
		return
	}
	sortByOID(in)
	for _, rel := range in {
		r.drop(rel, "in the schema "+schema)
	}
	for _, rel := range in {
		r.dropRelation(rel, true, 0)
	}
}

// dropType drops the columns of a type.
func (r *run) dropType(tn *pgparse.TypeName, cascade bool) {
	t := r.c.TypeOf(tn)
	u := r.c.Type(t.OID)
	if u == nil {
		if cascade {
			r.Unmodelled = "DROP TYPE … CASCADE of a type that no statement created"
		}
		return
	}
	r.dropUserType(u, cascade, 0)
}

func (r *run) dropUserType(u *catalog.UserType, cascade bool, depth int) {
	if depth > maxDepth {
		return
	}
	if rel := r.c.Relation(u.Relation); rel != nil {
		r.drop(rel, "the type's relation")
	}
	r.typeUsers(u.OID, func(rel *catalog.Relation, col *catalog.Column) {
		if !cascade {
			r.refuse("cannot drop type " + u.Name.Name + " because other objects depend on it")
			return
		}
		r.lockFor(rel, ael, "its column "+col.Name+" has the type "+u.Name.String())
		r.dropColumnParts(rel, col, true, depth)
	})
	r.c.Relations(func(rel *catalog.Relation) bool {
		if rel.OfType == u.OID && u.OID != 0 {
			if !cascade {
				r.refuse("cannot drop type " + u.Name.Name + " because other objects depend on it")
				return false
			}
			r.drop(rel, "a table of the type "+u.Name.String())
			r.dropRelation(rel, true, depth+1)
		}
		return true
	})
}

// typeUsers calls f for each column of a type.
func (r *run) typeUsers(oid catalog.OID, f func(*catalog.Relation, *catalog.Column)) {
	if oid == 0 {
		return
	}
	var users []*catalog.Relation
	r.c.Relations(func(rel *catalog.Relation) bool {
		for _, col := range rel.Columns {
			if col.Type.OID == oid {
				users = append(users, rel)
				break
			}
		}
		return true
	})
	sortByOID(users)
	for _, rel := range users {
		for _, col := range rel.Columns {
			if col.Type.OID == oid {
				f(rel, col)
			}
		}
	}
}

// dropFunction locks the tables whose triggers call a dropped function.
func (r *run) dropFunction(o *pgparse.ObjectWithArgs, cascade bool) {
	schema, name := nameOf(o.GetObjname())
	var users []*catalog.Relation
	r.c.Relations(func(rel *catalog.Relation) bool {
		for _, t := range rel.Triggers {
			if t.Function.Name == name && (schema == "" || t.Function.Schema == schema) {
				users = append(users, rel)
				return true
			}
		}
		for _, col := range rel.Columns {
			if col.Default != nil && calls(col.Default, name) || col.GeneratedExpr != nil && calls(col.GeneratedExpr, name) {
				users = append(users, rel)
				return true
			}
		}
		for _, con := range rel.Constraints {
			if con.Kind == catalog.Check && calls(con.Expr, name) {
				users = append(users, rel)
				return true
			}
		}
		return true
	})
	sortByOID(users)
	for _, rel := range users {
		if !cascade {
			r.refuse("cannot drop function " + name + "() because other objects depend on it")
			return
		}
		r.lockFor(rel, ael, "a trigger, default or constraint of it calls "+name+"()")
	}
}

// calls reports whether an expression calls a function.
func calls(expr *pgparse.Node, name string) bool {
	found := false
	if expr == nil {
		return false
	}
	pgparse.Walk(expr, func(m any) bool {
		if c, ok := m.(*pgparse.FuncCall); ok && lastName(c.GetFuncname()) == name {
			found = true
		}
		return !found
	})
	return found
}
