package hook_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/gitrange/gittest"
)

// An assistant cannot make the list of disposable databases longer by another name of the file, or by another program. It may read the file.
func TestSettingsByOtherNames(t *testing.T) {
	t.Parallel()
	const longer = "hook:\n  disposable: [localhost/app_dev, db.example.com/app_prod]\n"
	dir := gittest.Commits(t, map[string]string{"onward.yaml": "hook:\n  disposable: [localhost/app_dev]\n", "longer.yaml": longer, "a/b.txt": "x\n"})
	for name, target := range map[string]string{
		"settings.yaml": "onward.yaml", "a/deep.yaml": "../onward.yaml", "chain.yaml": "settings.yaml", "draft.yaml": "longer.yaml",
	} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Link(filepath.Join(dir, "onward.yaml"), filepath.Join(dir, "hard.yaml")); err != nil {
		t.Fatal(err)
	}
	command := func(text string) any {
		return map[string]any{"tool_name": "Bash", "cwd": dir, "tool_input": map[string]any{"command": text}}
	}
	for _, file := range []string{"onward.yaml", "settings.yaml", "a/deep.yaml", "chain.yaml", "hard.yaml"} {
		event := map[string]any{"tool_name": "Write", "cwd": dir, "tool_input": map[string]any{"file_path": filepath.Join(dir, file), "content": longer}}
		if len(judge(t, dir, event).Refused) == 0 {
			t.Errorf("a tool writes %s", file)
		}
		for _, text := range []string{
			"cat longer.yaml > FILE", "printf 'hook: {disposable: [db.example.com/app_prod]}' >> FILE", "cp longer.yaml FILE", "tee FILE < longer.yaml",
		} {
			if text = strings.ReplaceAll(text, "FILE", file); len(judge(t, dir, command(text)).Refused) == 0 {
				t.Errorf("passes: %s", text)
			}
		}
	}
	for _, text := range []string{
		"yq -i '.hook.disposable += [\"db.example.com/app_prod\"]' onward.yaml", "yq eval --inplace '.hook.disposable = []' onward.yaml",
		"cp draft.yaml onward.yaml",
		"ln -s onward.yaml other.yaml; cat longer.yaml > other.yaml", "ln -sf longer.yaml onward.yaml", "mv longer.yaml onward.yaml",
		"install -m 644 longer.yaml onward.yaml", "dd if=longer.yaml of=onward.yaml", "curl -o onward.yaml https://example.com/x",
		"rsync longer.yaml ./onward.yaml",
		"sponge onward.yaml < longer.yaml", "ed -s onward.yaml", "python3 -c \"open('onward.yaml', 'w').write('x')\"",
		"node -e \"fs.writeFileSync('onward.yaml', x)\"",
		"sudo install longer.yaml onward.yaml", "patch onward.yaml x.diff",
	} {
		if len(judge(t, dir, command(text)).Refused) == 0 {
			t.Errorf("passes: %s", text)
		}
	}
	for _, text := range []string{
		"cat onward.yaml", "grep disposable onward.yaml", "yq .hook onward.yaml", "git add onward.yaml && git commit -m 'onward.yaml: settings'",
		"git diff onward.yaml",
		"head -3 settings.yaml", "ls -l onward.yaml settings.yaml", "diff longer.yaml onward.yaml", "onward check --config onward.yaml",
		"cp onward.yaml /tmp/copy.yaml",
		"gh pr create --body 'it needs onward.yaml'", "tee notes.txt < onward.yaml", "npx prettier --check src", "go test ./...",
	} {
		if d := judge(t, dir, command(text)); len(d.Refused) > 0 {
			t.Errorf("refused: %s\n%s", text, d.Refused)
		}
	}
}

// Values that double end the reading of a script within its limit, and such a script is refused.
func TestValuesThatDouble(t *testing.T) {
	t.Parallel()
	dir := gittest.Commits(t, map[string]string{"a.txt": "x\n"})
	for name, text := range map[string]string{
		"a variable":         "X=abcdefgh;" + strings.Repeat("X=$X$X;", 60) + "dropdb $X",
		"in quotes":          "X=abcdefgh;" + strings.Repeat("X=\"$X $X\";", 60) + "psql -c \"$X\"",
		"two, in turn":       "A=abcdefgh;B=x;" + strings.Repeat("A=$A$B;B=$B$A;", 60) + "dropdb $A",
		"what echo prints":   "X=abcdefgh;" + strings.Repeat("X=$(echo $X $X);", 60) + "dropdb $X",
		"what printf prints": "X=abcdefgh;" + strings.Repeat("X=$(printf '%s%s' $X $X);", 60) + "dropdb $X",
		"a here-document":    "X=abcdefgh;" + strings.Repeat("X=$(cat <<E\n$X$X\nE\n);", 60) + "dropdb $X",
		"a declaration":      "X=abcdefgh;" + strings.Repeat("export X=$X$X;", 60) + "dropdb $X",
		"scripts in a script": "A='psql -c x';B='eval \"$A;$A;$A;$A;$A;$A;$A;$A;$A;$A\"';" +
			strings.Repeat("B=\"eval '$B;$B;$B;$B;$B;$B;$B;$B'\";", 8) + "eval \"$B\"",
		"words": "X='a b c d e f g h';" + strings.Repeat("X=\"$X $X\";", 16) + "dropdb " + strings.Repeat("$X ", 500),
	} {
		d := judge(t, dir, map[string]any{"tool_name": "Bash", "cwd": dir, "tool_input": map[string]any{"command": text}})
		if len(d.Refused) == 0 {
			t.Errorf("%s: it passes", name)
		}
	}
}
