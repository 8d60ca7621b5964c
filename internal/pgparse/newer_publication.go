package pgparse

import (
	"github.com/sqlc-dev/oliphant/ast"
	"github.com/sqlc-dev/oliphant/parser"
)

// rewritePublication rewrites ALL SEQUENCES, EXCEPT and SET ALL …. The tables of EXCEPT become the objects of a publication
// of all tables, which has none otherwise.
func (x *newerText) rewritePublication(created bool) {
	start, end := 4, len(x.words)
	switch {
	case created && x.hasWords(3, "for", "all"):
	case !created && x.hasWords(3, "set", "all"):
	default:
		return
	}
	for i := start; i < end; i++ {
		if x.hasWords(i, "with", "(") {
			end = i
		}
	}
	tables, word := false, ""
	var except, more []*Node
	for i := start; i < end; {
		switch {
		case x.hasWords(i, "all", "tables"):
			tables = true
			i += 2
		case x.hasWords(i, "all", "sequences"):
			more = []*Node{{Node: &ast.Node_DefElem{DefElem: &ast.DefElem{Defname: SequencesOption}}}}
			if word == "" {
				word = x.copySource(i+1, i+2)
			}
			i += 2
		case x.hasWords(i, ",", "all"):
			if word == "" {
				word = ","
			}
			i++
		case x.hasWords(i, "except", "(", "table"):
			closing := x.findClosing(i + 1)
			if closing < 0 {
				return
			}
			if except = parseExceptTables(x.sql, int(x.words[i+2].start), int(x.words[closing].start)); except == nil {
				return
			}
			if word == "" {
				word = x.copySource(i, i+1)
			}
			i = closing + 1
		default:
			return
		}
	}
	if !created {
		word = x.copySource(4, 5)
		x.replaceWords(3, end, "SET TABLES IN SCHEMA x", word)
	} else {
		x.replaceWords(3, end, map[bool]string{true: "FOR ALL TABLES"}[tables], word)
	}
	x.finish = append(x.finish, func(n *Node) {
		if c := n.GetCreatePublicationStmt(); c != nil {
			c.Pubobjects, c.Options = except, append(c.Options, more...)
		}
		if a := n.GetAlterPublicationStmt(); a != nil {
			a.ForAllTables, a.Pubobjects, a.Options = tables, except, append(a.Options, more...)
		}
	})
}

// SequencesOption is the name of an option that only the tree of ALL SEQUENCES has.
const SequencesOption = "all sequences"

// PublishesSequences reports whether a publication's options say ALL SEQUENCES.
func PublishesSequences(options []*Node) bool {
	for _, n := range options {
		if n.GetDefElem().GetDefname() == SequencesOption {
			return true
		}
	}
	return false
}

// SetsAll reports whether a statement is ALTER PUBLICATION … SET ALL TABLES or ALL SEQUENCES. Its objects are the tables of EXCEPT.
func SetsAll(s *AlterPublicationStmt) bool {
	since, _ := NewerForm(s)
	return since > 0
}

// parseExceptTables parses the tables of EXCEPT (TABLE a, TABLE b, c).
func parseExceptTables(sql string, start, end int) []*Node {
	const before = "CREATE PUBLICATION x FOR "
	tree, err := parser.ParseToTree(before + sql[start:end])
	if err != nil || len(tree.Stmts) != 1 {
		return nil
	}
	x := &newerText{edits: []edit{{0, start, before}}}
	x.restoreLocations(tree.ProtoReflect())
	return tree.Stmts[0].Stmt.GetCreatePublicationStmt().GetPubobjects()
}
