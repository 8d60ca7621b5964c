package rule

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// spot is what a finding stands at: a statement, a subcommand of one, or a change that is due
// to one.
type spot interface {
	// spot gives the statement, and the parts of its text that the finding is about: none
	// where that is all of it.
	spot() (*Stmt, []pgparse.Span)
}

func (s *Stmt) spot() (*Stmt, []pgparse.Span) { return s, nil }

func (c *Command) spot() (*Stmt, []pgparse.Span) {
	return c.stmt, []pgparse.Span{c.stmt.clause(c.index)}
}

// Commands are subcommands of one statement that a finding is about together.
type Commands []*Command

func (list Commands) spot() (*Stmt, []pgparse.Span) {
	parts := make([]pgparse.Span, len(list))
	for i, c := range list {
		parts[i] = c.stmt.clause(c.index)
	}
	return list[0].stmt, parts
}

// spot finds the subcommand that made the change by what it does and the name that it says.
// Where several could be meant, or none says the name, it is the whole statement.
func (d *Delta) spot() (*Stmt, []pgparse.Span) {
	s := d.By
	if rename := s.Node.GetRenameStmt(); rename != nil {
		return s, s.from("RENAME", pgparse.NameEnd(s.SQL, int(rename.GetRelation().GetLocation())))
	}
	found := -1
	for i, n := range s.Node.GetAlterTableStmt().GetCmds() {
		if !d.made(n.GetAlterTableCmd()) {
			continue
		}
		if found >= 0 {
			return s, nil
		}
		found = i
	}
	if found < 0 {
		return s, nil
	}
	return s, []pgparse.Span{s.clause(found)}
}

// makers are the subcommands that make a change of a kind.
var makers = map[catalog.DeltaKind]pgparse.AlterTableType{
	catalog.ColumnAdded:          pgparse.AlterTableType_AT_AddColumn,
	catalog.ColumnDropped:        pgparse.AlterTableType_AT_DropColumn,
	catalog.ColumnTypeChanged:    pgparse.AlterTableType_AT_AlterColumnType,
	catalog.ColumnSetNotNull:     pgparse.AlterTableType_AT_SetNotNull,
	catalog.ColumnDefaultChanged: pgparse.AlterTableType_AT_ColumnDefault,
	catalog.ConstraintAdded:      pgparse.AlterTableType_AT_AddConstraint,
	catalog.ConstraintDropped:    pgparse.AlterTableType_AT_DropConstraint,
}

// made reports whether a subcommand makes the change: an unnamed constraint may be any of
// those that have no name.
func (d *Delta) made(c *pgparse.AlterTableCmd) bool {
	if kind, ok := makers[d.Kind]; !ok || c.GetSubtype() != kind {
		return false
	}
	switch d.Kind {
	case catalog.ConstraintAdded:
		name := c.GetDef().GetConstraint().GetConname()
		return name == d.NewConstraint.Name || name == "" && !d.NewConstraint.Named
	case catalog.ConstraintDropped:
		return c.GetName() == d.OldConstraint.Name
	case catalog.ColumnAdded:
		return c.GetDef().GetColumnDef().GetColname() == d.New.Name
	}
	return c.GetName() == d.Old.Name
}

// clause is where a subcommand of an ALTER TABLE stands in its text.
func (s *Stmt) clause(index int) pgparse.Span {
	if s.clauses == nil {
		s.clauses = pgparse.Clauses(s.SQL, commandStart(s))
	}
	if index >= len(s.clauses) {
		return pgparse.Span{}
	}
	return s.clauses[index]
}

// from is where a statement goes on with a keyword, behind an offset.
func (s *Stmt) from(word string, at int) []pgparse.Span {
	end := pgparse.AfterWord(s.SQL[at:], word)
	if end < 0 {
		return nil
	}
	return []pgparse.Span{{Start: at + end - len(word), End: len(s.SQL)}}
}

// words are the places of parts of a statement in its file; nil for SQL that is not written there,
// and for a migration whose text is no longer kept.
func (s *Stmt) words(parts []pgparse.Span) []onward.Extent {
	if s.Start < 0 || s.Parent >= 0 || s.Migration.Script == nil {
		return nil
	}
	var out []onward.Extent
	lines := s.Migration.Script.Lines()
	for _, part := range parts {
		if part.End <= part.Start {
			return nil
		}
		var at onward.Extent
		at.Line, at.Column = lines.Position(s.Start + part.Start)
		at.EndLine, at.EndColumn = lines.Position(s.Start + part.End)
		out = append(out, at)
	}
	return out
}
