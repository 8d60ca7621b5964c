package deployed

import (
	"regexp/syntax"
	"slices"
	"strings"
	"testing"
)

func TestFindSigns(t *testing.T) {
	for text, want := range map[string]signs{
		"":                                      0,
		"DELETE FROM a":                         deletesRows,
		"x = \"Delete\n\t from a\"":             deletesRows,
		"é delete from a":                       deletesRows,
		"undelete from, soft_delete from":       0,
		"undelete, delete x, delete fromage":    0,
		"undelete it, then delete from it":      deletesRows,
		"# softdelete\n  acts_as_paranoid\n":    marksRows,
		"class A:\n  SafeDelete\n":              0,
		"  class A(models.Model, SafeDelete):":  marksRows,
		"DELETE FROM a;\n@DeleteDateColumn()\n": deletesRows | marksRows,
		"use HasFactory;\nSoftDeletes\n":        0,
		"use HasFactory, SoftDeletes;":          marksRows,
		"İ paranoid: true":                      marksRows,
	} {
		if got := findSigns([]byte(text)); got != want {
			t.Errorf("findSigns(%q) = %b, want %b", text, got, want)
		}
	}
}

// TestSoftDeleteWords holds that a line without any of the words does not match.
func TestSoftDeleteWords(t *testing.T) {
	re, err := syntax.Parse(softDeleteSign.String(), syntax.Perl)
	if err != nil {
		t.Fatal(err)
	}
	shortest := listShortest(re)
	if len(shortest) < 10 {
		t.Fatalf("%d texts: %q", len(shortest), shortest)
	}
	for _, text := range shortest {
		if !slices.ContainsFunc(softDeleteWords, func(w string) bool { return strings.Contains(strings.ToLower(text), w) }) {
			t.Errorf("%q has none of the words", text)
		}
	}
}

// listShortest returns the literals of the shortest texts that an expression matches, a text for each choice.
func listShortest(re *syntax.Regexp) []string {
	switch re.Op {
	case syntax.OpLiteral:
		return []string{string(re.Rune)}
	case syntax.OpAlternate:
		var out []string
		for _, sub := range re.Sub {
			out = append(out, listShortest(sub)...)
		}
		return out
	case syntax.OpConcat:
		out := []string{""}
		for _, sub := range re.Sub {
			var longer []string
			for _, end := range listShortest(sub) {
				for _, start := range out {
					longer = append(longer, start+end)
				}
			}
			out = longer
		}
		return out
	case syntax.OpCapture, syntax.OpPlus:
		return listShortest(re.Sub[0])
	case syntax.OpStar, syntax.OpQuest, syntax.OpWordBoundary, syntax.OpBeginText, syntax.OpBeginLine:
		return []string{""}
	default:
		return []string{" "} // a class
	}
}
