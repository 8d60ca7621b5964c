package mentions

import "testing"

// A comment, a message and a part of a path name no table; an identifier and a whole text may.
func TestNamesInCode(t *testing.T) {
	t.Parallel()
	words := []string{"coupons", "Coupon"}
	for _, tc := range []struct {
		file, text string
		want       bool
	}{
		{"a.ts", "await db.insert(coupons)", true},
		{"a.ts", "const model = models['Coupon']", true},
		{"a.ts", "client.from('coupons')", true},
		{"a.ts", "fetch(`${base}/rest/v1/coupons`)", true},
		{"a.ts", "knex.raw('coupons as c')", true},
		{"a.ts", "run('delete from coupons where id = 1')", true},
		{"a.ts", "const page = { label: 'Docs: sales/coupons' }", false},
		{"a.ts", "/** Replaces `coupons`. */\nexport const x = 1 // was Coupon", false},
		{"a.ts", "throw new Error('there are no coupons any more')", false},
		{"a.py", "\"\"\"What came instead of the Coupon model.\"\"\"\nx = 1", false},
		{"a.py", "apps.get_model('shop', 'Coupon')", true},
		{"a.rb", "# coupons are gone\nputs 'sales/coupons'", false},
		{"a.rb", "Coupon.where(id: 1)", true},
		{"a.go", "// Coupon was here\nvar path = \"sales/coupons\"", false},
		{"a.go", "db.First(&Coupon{})", true},
		{"a.ts", "const couponsLeft = 1", false},
	} {
		if got := CutFile(tc.file, []byte(tc.text)).NamesInCode(words); got != tc.want {
			t.Errorf("NamesInCode(%q) of %s with %q = %t, want %t", words, tc.file, tc.text, got, tc.want)
		}
	}
}
