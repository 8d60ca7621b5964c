package query

import "testing"

// A name is read as the server reads a regclass.
func TestSplitName(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][2]string{
		"Orders":                     {"", "orders"},
		"shop.Orders":                {"shop", "orders"},
		`"My Shop"."a.b"`:            {"My Shop", "a.b"},
		`"a""b"`:                     {"", `a"b`},
		` shop . "Guest's ""list"""`: {"shop", `Guest's "list"`},
		"db.shop.orders":             {"shop", "orders"},
		"":                           {"", ""},
	} {
		if schema, name := SplitName(text); [2]string{schema, name} != want {
			t.Errorf("SplitName(%s) = %q, %q, want %q", text, schema, name, want)
		}
	}
}
