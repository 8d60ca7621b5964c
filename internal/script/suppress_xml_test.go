package script

import "testing"

// A suppression in a changelog is a comment of XML.
func TestSuppressionInXML(t *testing.T) {
	t.Parallel()
	const text = "<changeSet>\n  <!-- onward:ignore index-create-blocking: 40 rows -->\n  <createIndex/>\n</changeSet>\n"
	s, err := BuildScript(Source{Text: text, LineComment: "<!--", Parts: []Part{{SQL: "CREATE INDEX i ON t (a)", Start: -1, Line: 3}}})
	if err != nil || len(s.Suppressions) != 1 {
		t.Fatalf("build the script of a changelog: %v; want one suppression in %+v", err, s)
	}
	if got := s.Suppressions[0]; got.Reason != "40 rows" || got.Target != 3 || got.Malformed != "" {
		t.Errorf("the suppression is %+v, want the reason 40 rows and target 3", got)
	}
}
