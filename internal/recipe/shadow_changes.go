package recipe

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// shadowOf returns the shadow that covers a change; nil if there is none.
func (r *Release) shadowOf(c *Change) *shadowTable {
	for _, s := range r.shadows {
		if slices.Contains(s.changes, c) {
			return s
		}
	}
	return nil
}

// collectChanges finds the changes of the table, or of the table that replaces it.
func (s *shadowTable) collectChanges() {
	group := map[catalog.OID]bool{s.t.OID: true}
	for _, p := range s.release.head.ListTree(s.head, true) {
		group[p.OID] = true
	}
	for _, c := range s.release.changes {
		if c.Node.GetViewStmt() != nil || !c.namesTable(group) {
			continue
		}
		s.changes = append(s.changes, c)
		if !s.coversChange(c, group) {
			s.addObstacle("%s:%d makes a change that is not copied while %s is created again: put it into a release of its own", c.Migration.Path, c.Line, s.t.Name)
		}
	}
	if len(s.changes) > 0 {
		s.c = s.changes[0]
	}
}

// namesTable reports whether a change names a table of a group, or an object that belongs to
// one.
func (c *Change) namesTable(group map[catalog.OID]bool) bool {
	inGroup := func(rel *catalog.Relation) bool {
		return rel != nil && (group[rel.OID] || rel.Index != nil && group[rel.Index.Table] || rel.Seq != nil && group[rel.Seq.OwnerTable])
	}
	found := false
	lookUp := func(schema, object string) {
		found = found || inGroup(c.Before.Lookup(schema, object)) || inGroup(c.After.Lookup(schema, object))
	}
	visit := func(msg any) bool {
		if rv, ok := msg.(*pgparse.RangeVar); ok {
			lookUp(rv.GetSchemaname(), rv.GetRelname())
		}
		return !found
	}
	switch n := c.Node.GetNode().(type) {
	case *pgparse.Node_AlterTableStmt:
		found = group[c.AlteredRelation().OID] || c.dropsReference(group)
		if !found && c.Command != nil {
			pgparse.Walk(c.Command, visit)
		}
		return found
	case *pgparse.Node_DropStmt:
		for _, o := range n.DropStmt.Objects {
			lookUp(pgparse.SchemaAndName(pgparse.ListItems(o)))
		}
	case *pgparse.Node_CommentStmt:
		names := n.CommentStmt.GetObject().GetList().GetItems()
		switch n.CommentStmt.Objtype {
		case pgparse.ObjectType_OBJECT_COLUMN, pgparse.ObjectType_OBJECT_TABCONSTRAINT, pgparse.ObjectType_OBJECT_TRIGGER, pgparse.ObjectType_OBJECT_POLICY:
			names = names[:max(len(names)-1, 0)]
		}
		lookUp(pgparse.SchemaAndName(names))
	}
	pgparse.Walk(c.Node, visit)
	return found
}

// dropsReference reports whether a change drops a foreign key to a table of a group.
func (c *Change) dropsReference(group map[catalog.OID]bool) bool {
	if c.commandType() != pgparse.AlterTableType_AT_DropConstraint {
		return false
	}
	con := c.AlteredRelation().Constraint(c.Command.Name)
	return con != nil && con.Kind == catalog.ForeignKey && group[con.Ref]
}

// coversChange reports whether the shadow covers a change of its group.
func (s *shadowTable) coversChange(c *Change, group map[catalog.OID]bool) bool {
	switch n := c.Node.GetNode().(type) {
	case *pgparse.Node_RenameStmt, *pgparse.Node_GrantStmt, *pgparse.Node_AlterOwnerStmt, *pgparse.Node_AlterSeqStmt, *pgparse.Node_SelectStmt:
		return !s.inPlace
	case *pgparse.Node_CommentStmt, *pgparse.Node_IndexStmt, *pgparse.Node_VacuumStmt:
		return true
	case *pgparse.Node_CreateStmt:
		newTable, _ := c.After.Resolve(n.CreateStmt.Relation)
		return newTable != nil && group[newTable.OID]
	case *pgparse.Node_InsertStmt:
		target := c.resolveRelation(n.InsertStmt.Relation)
		return target != nil && target.OID == s.head.OID && !s.inPlace
	case *pgparse.Node_UpdateStmt, *pgparse.Node_DeleteStmt:
		return false
	case *pgparse.Node_DropStmt:
		return len(n.DropStmt.Objects) == 1 && !s.inPlace
	case *pgparse.Node_CreateTrigStmt:
		// The swap creates the trigger, as written.
		table := c.resolveRelation(n.CreateTrigStmt.Relation)
		return table != nil && table.OID == s.head.OID && n.CreateTrigStmt.Relation.Relname == s.t.Name.Name && !n.CreateTrigStmt.Replace
	case *pgparse.Node_AlterTableStmt:
		if s.inPlace {
			return group[c.AlteredRelation().OID] && s.canInclude(c)
		}
		switch c.commandType() {
		case pgparse.AlterTableType_AT_AddConstraint, pgparse.AlterTableType_AT_DropConstraint, pgparse.AlterTableType_AT_ValidateConstraint:
			return group[c.AlteredRelation().OID] || len(c.Node.GetAlterTableStmt().Cmds) == 1 ||
				c.Command.Def.GetConstraint().GetContype() == pgparse.ConstrType_CONSTR_FOREIGN || c.dropsReference(group)
		case pgparse.AlterTableType_AT_AttachPartition, pgparse.AlterTableType_AT_AddColumn, pgparse.AlterTableType_AT_DropColumn, pgparse.AlterTableType_AT_ColumnDefault,
			pgparse.AlterTableType_AT_SetNotNull, pgparse.AlterTableType_AT_DropNotNull, pgparse.AlterTableType_AT_AddIdentity, pgparse.AlterTableType_AT_ReplicaIdentity,
			pgparse.AlterTableType_AT_ChangeOwner, pgparse.AlterTableType_AT_SetExpression:
			return group[c.AlteredRelation().OID]
		}
	}
	return false
}

// reportDependents reports objects that depend on the table itself, and not on its name.
func (s *shadowTable) reportDependents() {
	base, t := s.release.Deployed, s.t
	if t.HasUnknownColumns() {
		s.addObstacle("not all columns of %s are known: --db reads them from a server", t.Name)
	}
	for _, v := range base.RelationsByOID(t.Dependents) {
		if now := s.release.head.Relation(v.OID); now != nil {
			s.addObstacle("%s reads %s, and would go on reading the old table: drop it and create it again in the release", v.Name, t.Name)
		}
	}
	for _, relation := range []*catalog.Relation{t, s.head} {
		if relation.RLS || len(relation.Policies) > 0 {
			s.addObstacle("%s has policies", relation.Name)
		}
		if len(relation.Rules) > 0 {
			s.addObstacle("%s has rules", relation.Name)
		}
		if len(relation.Statistics) > 0 {
			s.addObstacle("%s has statistics objects", relation.Name)
		}
		if len(base.ListPublications(relation)) > 0 {
			s.addObstacle("%s is in a publication, which would go on with the old table", relation.Name)
		}
		if list := base.ListExceptions(relation); len(list) > 0 {
			s.addObstacle("publication %s leaves out %s, and would send the new table", list[0].Name.Name, relation.Name)
		}
	}
	for _, tr := range t.Triggers {
		switch {
		case s.inPlace:
			s.addObstacle("trigger %s of %s is not copied: its arguments are not known", tr.Name, t.Name)
		case s.head.Trigger(tr.Name) == nil:
			s.userNotes = append(s.userNotes, "trigger "+tr.Name+" of "+t.Name.String()+" is none of the partitioned table's: the release does not make it anew")
		}
	}
	if t.Parent != 0 || t.HasKids() || len(t.Inherits) > 0 || t.Persistence != catalog.Permanent || t.OfType != 0 {
		s.addObstacle("%s is no plain table: a partition, of a type, unlogged, or with parents or children", t.Name)
	}
	for _, con := range t.Constraints {
		if con.Kind == catalog.PrimaryKey && con.Deferrable {
			s.addObstacle("the primary key of %s is deferrable: ON CONFLICT cannot use it", t.Name)
		}
	}
	for _, ref := range base.ListReferences(t, false) {
		if now := s.headForeignKey(ref); now != nil {
			s.checkReference(ref.From, now)
		}
	}
	for _, ref := range s.release.head.ListReferences(s.head, false) {
		s.checkReference(ref.From, ref.Con)
	}
	s.reportRowTypeUses()
}

// checkReference reports a foreign key to the table that cannot have a counterpart while both
// tables exist.
func (s *shadowTable) checkReference(from *catalog.Relation, con *catalog.Constraint) {
	if from.OID == s.head.OID || from.OID == s.t.OID || con.Parent {
		return
	}
	base := s.release.Deployed.Relation(from.OID)
	if base == nil || base.Kind != catalog.Table || base.Parent != 0 || base.Name != from.Name || !con.Valid {
		s.addObstacle("foreign key %s of %s refers to %s, and is not copied: %[2]s is new, partitioned, a partition or renamed, or the key is not valid", con.Name,
			from.Name, s.t.Name)
	}
}

// reportRowTypeUses reports the functions and tables that use the table's row type.
func (s *shadowTable) reportRowTypeUses() {
	isRowType := func(typ catalog.Type) bool {
		return typ.Name.Name == s.t.Name.Name && (typ.Name.Schema == s.t.Name.Schema || typ.Name.Schema == "")
	}
	s.release.Deployed.EachRelation(func(r *catalog.Relation) bool {
		if slices.ContainsFunc(r.Columns, func(col *catalog.Column) bool { return isRowType(col.Type) }) {
			s.addObstacle("%s has columns of the type of %s's rows", r.Name, s.t.Name)
		}
		return true
	})
	s.release.Deployed.EachFunction(func(fn *catalog.Function) bool {
		if isRowType(fn.Returns) || slices.ContainsFunc(fn.Args, isRowType) {
			s.addObstacle("function %s takes or gives rows of %s", fn.Name, s.t.Name)
		}
		return true
	})
	seen := map[catalog.OID]bool{}
	for _, col := range s.t.Columns {
		for _, fn := range s.release.Deployed.BodiesOver(s.t.OID, col.Attnum) {
			if !seen[fn.OID] {
				s.addObstacle("function %s, in SQL's own words, uses %s", fn.Name, s.t.Name)
			}
			seen[fn.OID] = true
		}
	}
}
