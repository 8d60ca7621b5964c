package recipe

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// columnGenerated adds a plain column that a trigger fills, for a stored generated column of a table that no
// shadow table can replace. Adding the generated column would write each row while nobody can read the table.
// If no trigger can fill the column, the change has no safe form.
// https://www.postgresql.org/docs/current/ddl-generated-columns.html
var columnGenerated = &Recipe{Name: "column-generated", Make: func(c *Change) *Steps {
	if !c.generatesColumn() || !c.blocksOthers() {
		return nil
	}
	m := &Steps{}
	switch s := c.Release.shadowOf(c); {
	case s != nil:
		m.Missing = append(m.Missing, s.obstacles...)
	case c.AlteredRelation().Kind == catalog.PartitionedTable:
		m.addMissing("%s is partitioned: no table is made in its place", c.AlteredRelation().Name)
	}
	f, reason := newFilledColumn(c)
	if f != nil {
		f.makeSteps(m)
		return m
	}
	stands := keepUnchanged(c)
	stands.Steps[0].Why = "write the whole table unchanged: everybody waits for it"
	column := c.Command.GetName()
	if def := c.Command.Def.GetColumnDef(); def != nil {
		column = def.Colname
	}
	stands.Missing = m.Missing
	stands.addMissing("%s of %s is generated and stored: the server writes each row at once, and takes no column for it that was filled before. "+
		"The least bad way is a plain column that a trigger fills, "+
		"with a later backfill, which is not planned, because %s; from Postgres 18 on VIRTUAL writes nothing; else a moment when everybody may wait",
		column, c.AlteredRelation().Name, reason)
	return stands
}}

// generatesColumn reports whether a change adds a stored generated column, or changes the expression of one, so that
// each row is written.
func (c *Change) generatesColumn() bool {
	switch c.commandType() {
	case pgparse.AlterTableType_AT_AddColumn:
		stored := slices.ContainsFunc(c.Command.Def.GetColumnDef().GetConstraints(), func(n *pgparse.Node) bool {
			return n.GetConstraint().GetContype() == pgparse.ConstrType_CONSTR_GENERATED
		})
		return stored && c.rewritesTable()
	case pgparse.AlterTableType_AT_SetExpression:
		return c.rewritesTable()
	}
	return false
}

// findGeneratedTables finds the tables that get a stored generated column. Unless the table is small, a shadow table
// that has the column replaces it.
func (r *Release) findGeneratedTables() {
	for _, c := range r.changes {
		if !c.generatesColumn() || !c.blocksOthers() || c.isNewTable() || r.shadowOf(c) != nil {
			continue
		}
		t, head := r.Deployed.Relation(c.AlteredRelation().OID), r.head.Relation(c.AlteredRelation().OID)
		if t == nil || head == nil || t.Kind != catalog.Table {
			continue
		}
		s := &shadowTable{
			release: r,
			t:       t,
			head:    head,
			inPlace: true,
			phase:   onward.Backfill,
			why:     "exchange both tables in one transaction: later statements use the table with the new column",
		}
		s.collectChanges()
		s.shadowName, s.oldName = r.uniqueName(t.Name.Name, "onward", ""), r.uniqueName(t.Name.Name, "was", "")
		if t.Name != head.Name {
			s.addObstacle("%s gets another name, and is written anew, in one release: a release for each is planned", t.Name)
		}
		s.findBackfillKey()
		s.to = s.from
		for _, col := range t.Columns {
			if col.Generated == "" {
				s.columns = append(s.columns, col.Name)
			}
		}
		s.addCreateLike()
		s.reportDependents()
		r.shadows = append(r.shadows, s)
	}
}

// addCreateLike adds the statements that create the shadow: a table like the other one, on which the commands of the
// release are instant, because it is empty.
func (s *shadowTable) addCreateLike() {
	shadow, r := s.withName(s.shadowName), s.release
	sql := "CREATE TABLE " + tableName(shadow) + " (LIKE " + tableName(s.t) + " INCLUDING ALL EXCLUDING INDEXES EXCLUDING IDENTITY EXCLUDING STATISTICS)"
	if options := storageOptions(s.t); options != "" {
		sql += " WITH (" + options + ")"
	}
	if s.t.AccessMethod != "" || s.t.Tablespace != "" {
		s.addObstacle("%s has an access method or a tablespace of its own", s.t.Name)
	}
	s.createSQL = []string{sql}
	for _, c := range s.changes {
		if c.generatesColumn() {
			s.createSQL = append(s.createSQL, "ALTER TABLE "+tableName(shadow)+" "+c.Text)
		}
	}
	for _, x := range r.head.IndexesOf(s.head) {
		if x.Index != nil && x.Index.Unique && r.Deployed.Relation(x.OID) == nil {
			s.addObstacle("%s becomes unique, and the deployed table is not (%s): make it unique in a later release", s.t.Name, x.Name.Name)
		}
	}
	for _, col := range s.head.Columns {
		var copied string
		if old := s.t.Column(col.Name); old != nil {
			copied = old.Comment
		}
		if col.Comment == copied {
			continue
		}
		comment := "NULL"
		if col.Comment != "" {
			comment = pgparse.QuoteLiteral(col.Comment)
		}
		s.createSQL = append(s.createSQL, "COMMENT ON COLUMN "+tableName(shadow)+"."+quoteIdent(col.Name)+" IS "+comment)
	}
	s.copyIndexes()
	s.copyForeignKeys()
	s.copyPrivileges()
}

// canInclude reports whether the effect of a command can be included when the shadow is created.
func (s *shadowTable) canInclude(c *Change) bool {
	switch c.commandType() {
	case pgparse.AlterTableType_AT_AddColumn:
		return c.generatesColumn() && !slices.ContainsFunc(c.Command.Def.GetColumnDef().GetConstraints(), func(n *pgparse.Node) bool {
			typ := n.GetConstraint().GetContype()
			return typ != pgparse.ConstrType_CONSTR_GENERATED && typ != pgparse.ConstrType_CONSTR_NOTNULL
		})
	case pgparse.AlterTableType_AT_SetExpression:
		return c.generatesColumn()
	case pgparse.AlterTableType_AT_AddConstraint:
		kind := c.Command.Def.GetConstraint().GetContype()
		return kind == pgparse.ConstrType_CONSTR_CHECK || kind == pgparse.ConstrType_CONSTR_FOREIGN
	case pgparse.AlterTableType_AT_ReplicaIdentity, pgparse.AlterTableType_AT_ChangeOwner:
		return true
	}
	return false
}
