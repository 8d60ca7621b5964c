package rubycode

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// recorder is a handler that sends the texts of execute, and knows puts.
type recorder struct{}

func (recorder) Call(r *Run, c *Call) (Value, bool) {
	switch {
	case c.Name == "execute" && len(c.Arguments) == 1 && c.Arguments[0].Kind == String:
		r.SendSQL(c.Arguments[0].Text, c.Arguments[0], false)
		return Value{}, true
	case c.Name == "table_exists?":
		return Value{Needs: c.Arguments[0].Text}, true
	case c.Name == "wrap":
		return r.RunBlock(c.Block, NewString("w")), true
	}
	return Value{}, false
}

// describeCall runs the method up of a class with a body, and describes what it sends.
func describe(t testing.TB, program string) string {
	t.Helper()
	p, line, ok := Read(program)
	if !ok {
		return fmt.Sprintf("not read at %d", line)
	}
	list := p.ListClasses()
	if len(list) == 0 {
		return "no class"
	}
	r, found := p.Run(list[0], "up", recorder{})
	if !found {
		return "no up"
	}
	var out []string
	for _, x := range r.Parts {
		if x.Start >= 0 && !strings.HasPrefix(program[x.Start:], x.SQL) {
			t.Errorf("not at its offset: %q", x.SQL)
		}
		s := x.SQL
		if x.Loop {
			s += " (loop)"
		} else if x.Conditional {
			s += " (maybe)"
		}
		if len(x.Needs) > 0 {
			s += " needs " + strings.Join(x.Needs, ",")
		}
		out = append(out, s)
	}
	for _, u := range r.Unread {
		out = append(out, "? "+u.Call)
	}
	return strings.Join(out, " | ")
}

// TestRun: the language, as far as it is read.
func TestRun(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`execute 'a\'b\n'`:                                                                        `a'b\n`,
		`execute "a\tb\u0041"`:                                                                    "a\tbA",
		`execute("a" "b" \` + "\n" + `  "c")`:                                                     "abc",
		`execute %q(a (b) c)`:                                                                     "a (b) c",
		`execute "a #{"b#{1}"} c"`:                                                                "a b1 c",
		`execute "a #{unknown} c"`:                                                                "? execute",
		`execute <<~SQL` + "\n    a\n      b\n  SQL":                                              "a\n  b",
		"execute <<-SQL.squish\n    a\n      b\n SQL":                                             "a b",
		"execute(<<~'SQL')\n  a \\n #{b}\nSQL":                                                    `a \n #{b}`,
		"wrap { |x| execute x }\nexecute 'b'":                                                     "w | b",
		"wrap do |x|\n execute x\nend":                                                            "w",
		"%w[a b].each { |x| execute x }":                                                          "a | b",
		"%i[a b].each_with_index do |x, i|\n execute \"#{x}#{i}\"\nend":                           "a0 | b1",
		"{ a: 1, 'b' => 2 }.each { |k, v| execute \"#{k}#{v}\" }":                                 "a1 | b2",
		"2.times { execute 'a' }":                                                                 "a | a",
		"NAMES.map { |n| \"x#{n}\" }.each { |n| execute n }":                                      "xone | xtwo",
		"execute 'a' if true\nexecute 'b' unless true\nexecute 'c' if x?":                         "a | c (maybe)",
		"if x? then execute 'a'\nelsif y?\n execute 'b'\nelse\n execute 'c'\nend":                 "a (maybe) | b (maybe) | c (maybe)",
		"x? ? execute('a') : execute('b')":                                                        "a (maybe) | b (maybe)",
		"return if x?\nexecute 'a'":                                                               "a (maybe)",
		"return\nexecute 'a'":                                                                     "",
		"wrap { |x| return if y? }\nexecute 'a'":                                                  "a (maybe)",
		"wrap { |x| next if y? }\nexecute 'a'":                                                    "a",
		"wrap { |x| wrap { |z| return if y? } }\nexecute 'a'":                                     "a (maybe)",
		"raise 'b' if x?\nexecute 'a'":                                                            "a",
		"execute 'a' if table_exists?('t') && x?":                                                 "a (maybe) needs t",
		"return unless table_exists?('t')\nexecute 'a'":                                           "a (maybe) needs t",
		"while x?\n execute 'a'\nend":                                                             "a (loop)",
		"begin\n execute 'a'\nrescue StandardError => e\n execute 'b'\nensure\n execute 'c'\nend": "a | b (maybe) | c (maybe)",
		"case x\nwhen 1, 2 then execute 'a'\nelse execute 'b'\nend":                               "a (maybe) | b (maybe)",
		"helper 'a', more: 'b'":                                                                   "ab",
		"helper 'a'":                                                                              "ad",
		"x = 'a'\nx += 'b'\nexecute x":                                                            "ab",
		"x = 'a'\nx = 'b' if y?\nexecute x":                                                       "? execute",
		"@x = 'a'\nexecute @x":                                                                    "a",
		"a, b = 1, 2\nexecute a":                                                                  "? execute",
		"execute NAMES.join(', ')":                                                                "one, two",
		"execute [\n'a',\n'b', # c\n].join('-')":                                                  "a-b",
		"execute 'a'; execute 'b'":                                                                "a | b",
		"User\n  .where(a: 1)\n  .update_all(b: 2)":                                               "? User.where.update_all",
		"again":                       "? again",
		"execute -> { 'a' }.call":     "a",
		"yielding { |x| execute x }":  "y",
		"puts 'a' / 2\nexecute 'b'":   "b",
		"x = 1 /2 if b?\nexecute 'c'": "c",
		"execute(":                    "not read at 15",
		"execute 'a":                  "not read at 15",
	} {
		program := "class A < B\n  NAMES = %w[one two].freeze\n  def helper(a, more: 'd')\n    execute a + more\n  end\n  def again = again\n" +
			"  def yielding\n    yield 'y'\n  end\n  # def up\n=begin\ndef up\n=end\n  def self.up\n" + body + "\n  end\nend\n"
		got := describe(t, program)
		if strings.HasPrefix(want, "not read") {
			got, want = got[:min(8, len(got))], want[:8]
		}
		if got != want {
			t.Errorf("%s\ngot  %s\nwant %s", body, got, want)
		}
	}
}

// TestHostile: no program takes long.
func TestHostile(t *testing.T) {
	t.Parallel()
	const size = 64 << 10
	for _, piece := range []string{
		"execute 'a'\n", "\"#{", "#{", "<<A\n", "<<~A\n", "<<~A\nA\n", "(", "[", "{", "a.b(", "a do |x|\n", "if x\n", "def a\n", "class A\n", "-> {",
		"%w[", "/", "a /b",
		"a ? ", "!", "-", "*", "a.", "::", "x = ", "x += x\n", "a && ", "[1].each { |x| ", "begin\n", "case\n", "a, ", ":a ", "a: ", "a => ", "'a' ",
		"=begin\n", "a rescue ",
		"\\\n", "{ a: ", "a[", "?a ", "%", "return ", "while x\n", "@a ||= ", "&a", "yield ", "end\n", "rescue\n", "unless a then ", "not ", "a <<~A + ",
	} {

		for _, frame := range []string{"%s", "class A < B\n def up\n%s\n end\nend"} {
			begin := time.Now()
			describe(t, fmt.Sprintf(frame, strings.Repeat(piece, size/len(piece))))
			if took := time.Since(begin); took > 3*time.Second {
				t.Errorf("many times %q took %s, want at most 3s", piece, took)
			}
		}
	}
	doubled := "x = 'aaaaaaaaaaaaaaaa'\n" + strings.Repeat("x = x + x\n", 60) + "execute x"
	loops := strings.Repeat("[1, 2, 3, 4, 5, 6, 7, 8, 9].each { |a|\n", 20) + "execute 'a'" + strings.Repeat("}", 20)
	lists := "x = [1, 2]\n" + strings.Repeat("x = x + x\n", 60) + "x.each { |a| execute 'a' }"
	calls := "def a = [b, b]\ndef b = [c, c]\ndef c = a\na"
	for _, body := range []string{doubled, loops, lists, calls} {
		begin := time.Now()
		got := describe(t, "class A < B\ndef up\n"+body+"\nend\nend")
		if took := time.Since(begin); took > 3*time.Second || len(got) > 1<<20 {
			t.Errorf("%.40s took %s for %d bytes, want at most 3s and 1 MB", body, took, len(got))
		}
	}
}

// TestSplitText: the list of a text's parts ends when a run may make no more.
func TestSplitText(t *testing.T) {
	t.Parallel()
	text := NewString(strings.Repeat("a \n", 1<<20))
	for name, arguments := range map[string][]Value{"split": nil, "lines": nil, "split ": {NewString(" ")}} {
		list, ok := callTextMethod(text, strings.TrimSpace(name), arguments)
		if n := len(list.Items) * valueBytes; !ok || n <= mostBytes || n > mostBytes+valueBytes {
			t.Errorf("%s: %t, %d elements", name, ok, len(list.Items))
		}
	}
}

// FuzzRead: no program makes the reader panic.
func FuzzRead(f *testing.F) {
	f.Add("class A < B[7.1]\n def up\n  execute <<~SQL if x?\n a #{b}\n SQL\n end\nend")
	f.Add("class A < B\n def up = a.b(*c, **d, &e) { |f, (g, h), i: 1| %w[j].each(&:k) }\nend")
	f.Fuzz(func(t *testing.T, program string) { describe(t, program) })
}
