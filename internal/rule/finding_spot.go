package rule

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// spot is the place of a finding: a statement, a subcommand of one, or a change that a statement
// caused.
type spot interface {
	// findSpot returns the statement and the parts of its text that the finding is about; no parts for
	// the whole statement.
	findSpot() (*Stmt, []pgparse.Span)
	// listSubcommands returns the subcommands of an ALTER TABLE that the finding is about; nil for the whole statement.
	listSubcommands() []*Command
}

func (s *Stmt) listSubcommands() []*Command { return nil }

func (d *Delta) listSubcommands() []*Command { return nil }

func (c *Command) listSubcommands() []*Command { return []*Command{c} }

func (list Commands) listSubcommands() []*Command { return list }

func (s *Stmt) findSpot() (*Stmt, []pgparse.Span) { return s, nil }

func (c *Command) findSpot() (*Stmt, []pgparse.Span) {
	return c.stmt, []pgparse.Span{c.stmt.clauseSpan(c.index)}
}

// Commands are several subcommands of one statement that share a finding.
type Commands []*Command

func (list Commands) findSpot() (*Stmt, []pgparse.Span) {
	parts := make([]pgparse.Span, len(list))
	for i, c := range list {
		parts[i] = c.stmt.clauseSpan(c.index)
	}
	return list[0].stmt, parts
}

// findSpot finds the subcommand that made the change by its kind and the name in it. If several could
// be meant, or none has the name, it returns the whole statement.
func (d *Delta) findSpot() (*Stmt, []pgparse.Span) {
	s := d.By
	if rename := s.Node.GetRenameStmt(); rename != nil {
		return s, s.spanFrom("RENAME", pgparse.NameEnd(s.SQL, int(rename.GetRelation().GetLocation())))
	}
	found := s.listMakers(d.Kind, d.madeName())
	if d.Kind == catalog.ConstraintAdded && !d.NewConstraint.Named && d.NewConstraint.Name != "" {
		found = slices.Concat(found, s.listMakers(d.Kind, ""))
	}
	if len(found) != 1 {
		return s, nil
	}
	return s, []pgparse.Span{s.clauseSpan(found[0])}
}

// makers maps kinds of changes to the subcommands that make them.
var makers = map[catalog.DeltaKind]pgparse.AlterTableType{
	catalog.ColumnAdded:          pgparse.AlterTableType_AT_AddColumn,
	catalog.ColumnDropped:        pgparse.AlterTableType_AT_DropColumn,
	catalog.ColumnTypeChanged:    pgparse.AlterTableType_AT_AlterColumnType,
	catalog.ColumnSetNotNull:     pgparse.AlterTableType_AT_SetNotNull,
	catalog.ColumnDefaultChanged: pgparse.AlterTableType_AT_ColumnDefault,
	catalog.ConstraintAdded:      pgparse.AlterTableType_AT_AddConstraint,
	catalog.ConstraintDropped:    pgparse.AlterTableType_AT_DropConstraint,
}

// maker is what a change and the subcommand that makes it have in common.
type maker struct {
	kind pgparse.AlterTableType
	name string
}

// listMakers returns the indexes of the subcommands that make a kind of change and have a name. A statement may have thousands of both,
// so that the subcommands are indexed.
func (s *Stmt) listMakers(kind catalog.DeltaKind, name string) []int {
	if s.makers == nil {
		s.makers = map[maker][]int{}
		for i, n := range s.Node.GetAlterTableStmt().GetCmds() {
			c := n.GetAlterTableCmd()
			m := maker{c.GetSubtype(), c.GetName()}
			switch m.kind {
			case pgparse.AlterTableType_AT_AddConstraint:
				m.name = c.GetDef().GetConstraint().GetConname()
			case pgparse.AlterTableType_AT_AddColumn:
				m.name = c.GetDef().GetColumnDef().GetColname()
			}
			s.makers[m] = append(s.makers[m], i)
		}
	}
	if subtype, ok := makers[kind]; ok {
		return s.makers[maker{subtype, name}]
	}
	return nil
}

// madeName returns the name that the subcommand has which makes a change. An unnamed constraint may come from any subcommand that adds one
// without a name, too.
func (d *Delta) madeName() string {
	switch d.Kind {
	case catalog.ConstraintAdded:
		return d.NewConstraint.Name
	case catalog.ConstraintDropped:
		return d.OldConstraint.Name
	case catalog.ColumnAdded:
		return d.New.Name
	}
	if d.Old == nil {
		return ""
	}
	return d.Old.Name
}

// clauseSpan returns the range of an ALTER TABLE's subcommand in its text.
func (s *Stmt) clauseSpan(index int) pgparse.Span {
	if s.clauses == nil {
		s.clauses = pgparse.SplitClauses(s.SQL, commandStart(s))
	}
	if index >= len(s.clauses) {
		return pgparse.Span{}
	}
	return s.clauses[index]
}

// spanFrom returns the part of a statement from a keyword after an offset to the end.
func (s *Stmt) spanFrom(word string, offset int) []pgparse.Span {
	end := pgparse.AfterWord(s.SQL[offset:], word)
	if end < 0 {
		return nil
	}
	return []pgparse.Span{{Start: offset + end - len(word), End: len(s.SQL)}}
}

// placesInFile returns the places of parts of a statement in its file; nil if the SQL is not written in
// the file, or if the migration's text is no longer kept.
func (s *Stmt) placesInFile(parts []pgparse.Span) []onward.Extent {
	if s.Start < 0 || s.Parent >= 0 || s.Migration.Script == nil {
		return nil
	}
	var out []onward.Extent
	lines := s.Migration.Script.Lines()
	for _, part := range parts {
		if part.End <= part.Start {
			return nil
		}
		var extent onward.Extent
		extent.Line, extent.Column = lines.Position(s.Start + part.Start)
		extent.EndLine, extent.EndColumn = lines.Position(s.Start + part.End)
		out = append(out, extent)
	}
	return out
}
