package analysis_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// TestStatements holds what is known of each statement of testdata/statements.txt by itself. A block is a transaction, in which the statement numbers are
// the state that savepoints restore. With -update it writes the answers.
func TestStatements(t *testing.T) {
	t.Parallel()
	var got strings.Builder
	for _, b := range readBlocks(t, "statements.txt") {
		fmt.Fprintf(&got, "%s\n", b.title)
		var savepoints analysis.Savepoints[int]
		all := &script.Script{}
		for i, line := range b.lines {
			operation, sql, isRendered := strings.Cut(line, ": ")
			s := &script.Statement{SQL: line, Rare: &script.Rare{}}
			if isRendered && !strings.Contains(operation, " ") {
				s.SQL, s.Operation = sql, script.Operation{Class: strings.TrimRight(operation, "0123456789"), Field: operation}
			}
			s.Node = parse(t, s.SQL)[0]
			all.Statements = append(all.Statements, s)
			fmt.Fprintf(&got, "%s\n", line)
			if state := savepoints.FollowStatement(s.Node, i); state != i {
				fmt.Fprintf(&got, "  as after line %d\n", state+1)
			}
			fmt.Fprintf(&got, "%s", describeStatement(s))
			describeEffects(&got, s, b.deployed)
		}
		for i, s := range all.Statements {
			indexed, second := analysis.FindLikePair(all, s)
			if indexed != nil {
				fmt.Fprintf(&got, "line %d adds a second index to: %s\n", i+1, indexed.SQL)
			}
			if second != nil {
				fmt.Fprintf(&got, "line %d has a second index in: %s\n", i+1, second.SQL)
			}
		}
		got.WriteString("\n")
	}
	compareFound(t, "statements.txt", got.String())
}

func describeStatement(s *script.Statement) string {
	var out strings.Builder
	if setting, ok := analysis.SettingOf(s.Node); ok {
		fmt.Fprintf(&out, "  sets %+v\n", setting)
	}
	kinds := []pgparse.ObjectType{
		pgparse.ObjectType_OBJECT_TABLE, pgparse.ObjectType_OBJECT_TYPE, pgparse.ObjectType_OBJECT_FUNCTION,
		pgparse.ObjectType_OBJECT_SCHEMA, pgparse.ObjectType_OBJECT_TRIGGER,
	}
	for _, d := range analysis.ListDropped(s.Node, kinds...) {
		fmt.Fprintf(&out, "  drops %s as %s\n", d.Name, analysis.QuoteTable(d.Name))
	}
	if analysis.DropsByName(s.Node, catalog.Name{Schema: "public", Name: "t"}, kinds...) {
		fmt.Fprint(&out, "  drops t by its name\n")
	}
	query := s.Node.GetSelectStmt()
	if insert := s.Node.GetInsertStmt(); insert != nil {
		query = insert.GetSelectStmt().GetSelectStmt()
	}
	if analysis.GivesOneRow(query) {
		fmt.Fprint(&out, "  gives one row\n")
	}
	if source := analysis.FirstSource(query); source != nil {
		fmt.Fprintf(&out, "  reads %s first\n", source.GetRelname())
	}
	for _, word := range []string{" WHERE ", " USING "} {
		if offset := analysis.IndexWord(s.SQL, word); offset >= 0 {
			fmt.Fprintf(&out, "  has%sbefore %q\n", word, s.SQL[offset+len(word):])
		}
	}
	for _, command := range s.Node.GetAlterTableStmt().GetCmds() {
		if role := command.GetAlterTableCmd().GetNewowner(); role != nil {
			name, word := analysis.QuoteRole(role)
			fmt.Fprintf(&out, "  gives it to %s, a keyword: %v\n", name, word)
		}
	}
	for _, role := range s.Node.GetGrantStmt().GetGrantees() {
		name, word := analysis.QuoteRole(role.GetRoleSpec())
		fmt.Fprintf(&out, "  grants to %s, a keyword: %v\n", name, word)
	}
	return out.String()
}

// describeEffects writes what users of each relation feel, and the advice for tables that an extension manages.
func describeEffects(out *strings.Builder, s *script.Statement, c *catalog.Catalog) {
	effects := effect.EffectOf(s.Node, c, effect.NewVersion(onward.NewestMajor), effect.Inputs{}).Effects
	for i := range effects {
		e := &effects[i]
		words := []string{e.Lock.String()}
		if e.Lock >= onward.ShareLock {
			words = append(words, analysis.DescribeQueue(e))
		}
		for _, question := range []struct {
			word string
			ask  func(*effect.Effect) bool
		}{
			{"rewritten", analysis.IsRewritten},
			{"index rebuilt", analysis.RebuildsIndex},
			{"index built", analysis.BuildsIndex},
			{"scanned", analysis.IsScanned},
			{"blocking", analysis.IsBlocking},
			{"the same as the first", func(e *effect.Effect) bool { return i > 0 && analysis.SameRelation(e, &effects[0]) }},
			{"not the same as itself", func(e *effect.Effect) bool { return !analysis.SameRelation(e, e) }},
		} {
			if question.ask(e) {
				words = append(words, question.word)
			}
		}
		if severity := analysis.UnsureSeverity(e); severity != onward.Off {
			words = append(words, severity.String())
		}
		fmt.Fprintf(out, "  %s %s: %s\n", e.Kind, e.Name, strings.Join(words, ", "))
	}
	if table := analysis.ManagedTable(c, effects); table != nil {
		fmt.Fprintf(out, "  advice: %s\n", analysis.ManagedAdvice(table, s.Node, s.SQL))
	}
}
