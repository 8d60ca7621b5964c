package jscode

import "testing"

func TestHasUp(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"exports.up = async (k) => {}": true, "module.exports.up=f": true, "export async function up(k) {}": true, "export const up = f": true,
		"module.exports = { up: f }": true, "class A { async up (q) {} }": true, "const up": true, "up(": true,
		"exports.update = f": false, "function backup(k) {}": false, "upsert(a)": false, "const upper = 1": false,
		"constup = 1": false, "myexports.up = f": false,
		"up = 1": false, "// look up the rows": false, "": false, "up": false, "group_up(a)": false,
	} {
		if got := HasUp(text); got != want {
			t.Errorf("HasUp(%q) = %t, want %t", text, got, want)
		}
	}
}
