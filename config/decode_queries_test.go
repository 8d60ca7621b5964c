package config_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/config"
)

// TestRedact: one that is no regular expression, or that is found everywhere, is an error at its line.
func TestRedact(t *testing.T) {
	t.Parallel()
	c, err := config.Decode([]byte("redact: ['\\w+@\\w+', 'key_(\\w+)']\n"), "onward.yaml", known)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{`\w+@\w+`, `key_(\w+)`}, c.Redact); diff != "" {
		t.Errorf("(-want +is):\n%s", diff)
	}
	for text, want := range map[string]string{"'(a'": "is no regular expression", "'a*'": "matches an empty text"} {
		if _, err := config.Decode([]byte("redact: "+text+"\n"), "onward.yaml", known); err == nil || !strings.Contains(err.Error(), want) ||
			!strings.Contains(err.Error(), "onward.yaml:1") {
			t.Errorf("Decode of redact: %s = %v, want an error for line 1 that %q", text, err, want)
		}
	}
}

// TestAcceptQueries: queries are listed by rule, as one text or several. An empty text, which every query has, and an
// unknown rule are errors at their lines.
func TestAcceptQueries(t *testing.T) {
	t.Parallel()
	rules := known
	rules.Rules = append([]string{"query-chain", "query-for-each-row"}, known.Rules...)
	c, err := config.Decode([]byte("accept_queries:\n  query-for-each-row:\n    - FROM \"countries\" WHERE id = $1   # cached\n    - \"5289749051548692\"\n"+
		"  query-chain: FROM settings\n"), "onward.yaml", rules)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{"query-for-each-row": {`FROM "countries" WHERE id = $1`, "5289749051548692"}, "query-chain": {"FROM settings"}}
	if diff := cmp.Diff(want, c.AcceptQueries); diff != "" {
		t.Errorf("(-want +is):\n%s", diff)
	}
	for text, want := range map[string]string{
		"  query-chain: [\"a\", \" \"]": "an empty text would accept every query",
		"  query-chian: a":              "unknown rule query-chian: did you mean query-chain?",
	} {
		if _, err := config.Decode([]byte("accept_queries:\n"+text+"\n"), "onward.yaml", rules); err == nil ||
			!strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "onward.yaml:2") {
			t.Errorf("Decode of accept_queries with %s = %v, want an error for line 2 with %q", text, err, want)
		}
	}
}

// TestRedactColumns: what is no column is an error at its line.
func TestRedactColumns(t *testing.T) {
	t.Parallel()
	c, err := config.Decode([]byte("redact_columns: [users.email, '*.phone', shop.users.pin]\n"), "onward.yaml", known)
	if err != nil || strings.Join(c.RedactColumns, " ") != "users.email *.phone shop.users.pin" {
		t.Errorf("Decode of redact_columns = %v, %v, want the 3 columns as written", c, err)
	}
	for _, text := range []string{"email", "'*'", "users.*", "'us*rs.email'", "a.b.c.d", "users.", "'users.e mail'"} {
		if _, err := config.Decode([]byte("redact_columns: "+text+"\n"), "onward.yaml", known); err == nil || !strings.Contains(err.Error(), "is no column") {
			t.Errorf("Decode of redact_columns: %s = %v, want an error with \"is no column\"", text, err)
		}
	}
}
