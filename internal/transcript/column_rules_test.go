package transcript

import (
	"strings"
	"testing"
)

// A value stays in a statement if it surely belongs to a column whose values stay; all others are replaced.
func TestColumnRules(t *testing.T) {
	rules := NewColumnRules([]string{"users.email", "*.phone"})
	rules.AddTable("app", 1, "users", []string{"id", "email", "name", "note"}, true)
	rules.AddTable("app", 2, "shops", []string{"id", "email", "city"}, true)
	rules.AddTable("app", 3, "desks", []string{"id", "phone"}, true)
	rules.AddTable("app", 4, "people", []string{"id", "mail"}, false)
	r := NewRedactor(nil)
	s := &sessionRedaction{redactor: r, rules: rules}
	for sql, stays := range map[string]string{ // a value whose text begins with s stays, and one with r does not
		"INSERT INTO users (id, email, name) VALUES (7, 'rose', 'sand')":                           "",
		"INSERT INTO users VALUES (7, 'rose', 'sand')":                                             "",
		"INSERT INTO shops (email, city) VALUES ('sour', 'sand')":                                  "", // another table's
		"INSERT INTO nobody (city) VALUES ('rose')":                                                "", // an unknown table
		"UPDATE users SET name = 'sand', email = lower('rose') WHERE id = -7":                      "-7",
		"SELECT name FROM users WHERE name = 'sand' AND email = 'rose' LIMIT 33":                   "33",
		"SELECT name FROM users u WHERE lower(u.email) = lower('rose') AND u.id IN (7, 8)":         "IN (7, 8)",
		"SELECT city FROM shops WHERE email = 'sour' AND city = upper('sand')":                     "",
		"SELECT phone FROM desks WHERE phone = 'rose' AND id = 7":                                  "= 7",
		"SELECT id FROM people WHERE mail = 'rose'":                                                "", // a view
		"WITH x AS (SELECT email AS name FROM users) SELECT 1 FROM x WHERE name = 'rose'":          "",
		"SELECT register('rose')":                                                                  "", // it may write the column
		"SELECT upper('sand'), 55":                                                                 "55",
		"CREATE TABLE users (email text DEFAULT 'sand')":                                           "",
		"SELECT 'rose' FROM WHERE":                                                                 "", // no statement
		"SELECT city FROM shops WHERE city = 'sand'; SELECT email FROM users WHERE email = 'rose'": "",
		"EXPLAIN SELECT id FROM users WHERE email = E'rose\\n'":                                    "",
		"DO $$ BEGIN PERFORM f('rose'); END $$":                                                    "PERFORM f",
		"CALL register('rose')":                                                                    "",
		"SELECT id FROM users WHERE email = 'rose' /* route='sand' */":                             "route",
	} {
		got := s.redactStatement(sql)
		if len(got) != len(sql) || strings.Contains(got, "rose") || strings.Contains(sql, "sand") != strings.Contains(got, "sand") ||
			strings.Contains(sql, "sour") != strings.Contains(got, "sour") || !strings.Contains(got, stays) {
			t.Errorf("redactStatement(%q) =\n%q, want the same length, no rose, sand and sour kept, and %q", sql, got, stays)
		}
	}
}

// A value has one replacement, in each of its forms.
func TestReplaceBytes(t *testing.T) {
	r := NewRedactor(nil)
	replace := func(value string, binary bool) string {
		out := []byte(value)
		r.replaceBytes(out, binary)
		return string(out)
	}
	text := replace("770077", false)
	for _, list := range []struct{ value, want string }{
		{"{770077}", "{" + text + "}"}, {`{"770077",NULL,770077}`, `{"` + text + `",NULL,` + text + "}"}, {"770077", text},
	} {
		if got := replace(list.value, false); got != list.want {
			t.Errorf("%s: %s, want %s", list.value, got, list.want)
		}
	}
	number := replace("\x00\x0b\xc0\x0d", true)
	array := replace("\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x17\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x04\x00\x0b\xc0\x0d", true)
	if number == "\x00\x0b\xc0\x0d" || !strings.HasSuffix(array, number) || !strings.HasPrefix(array, "\x00\x00\x00\x01") {
		t.Errorf("the number is replaced by %q, the array by %q, want the same replacement in both", number, array)
	}
	for _, value := range []string{"1987-03-21", "2024-02-29 10:11:12.5+01"} {
		if replacement := replace(value, false); replacement == value || !dated.MatchString(replacement) || replacement[5:7] > "12" || replacement[8:10] > "28" {
			t.Errorf("%s is replaced by %q, want another date", value, replacement)
		}
	}
	if got := replace("\x00\x03\x00\x01\x00\x00\x00\x02\x04\xd2\x16\x2e", true); strings.Contains(got, "\x04\xd2") { // a numeric is left out
		t.Errorf("a binary numeric is replaced by %q, want its digits replaced", got)
	}
}
