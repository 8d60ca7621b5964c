package cli

import (
	"testing"

	"github.com/spf13/cobra"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/onward"
)

// A printed command is the typed one: the place of an address is kept, and an address itself, which may have a password, is not.
func TestNextCommand(t *testing.T) {
	t.Setenv("HELD_ADDRESS", "postgres://u:secret@held/d")
	blocked := &apply.UnfinishedError{Step: "01-expand", Why: "others were in its way"}
	for _, c := range []struct {
		args []string
		next string
		err  error
		want string
	}{
		{[]string{"--db", "env:DATABASE_URL"}, "onward contract --db ADDRESS --plan p", nil, "onward contract --db env:DATABASE_URL --plan p"},
		{[]string{"--db", "postgres://u:secret@h/d"}, "onward contract --db ADDRESS --plan p", nil, "onward contract --db ADDRESS --plan p"},
		{[]string{"--db", "@/run/a b", "--schema", "t1"}, "x", blocked, "onward apply --db '@/run/a b' --schema t1"},
		{[]string{"--db", "postgres://u:secret@h/d", "--plan", "p.json"}, "x", blocked, "onward apply --db ADDRESS --plan p.json"},
		{
			[]string{"--db", "env:A"}, "x", &apply.UnfinishedError{Step: "09-contract", Next: "onward abort --db ADDRESS --plan p"},
			"onward abort --db env:A --plan p",
		},
		{[]string{"--db", "env:A"}, "", &apply.RefusedError{Next: "onward guard --db ADDRESS -- x"}, "onward guard --db env:A -- x"},
		{[]string{"--db", "postgres://u@h/d", "--replica", "host=r password=secret", "--replica", "host=r"}, "", blocked,
			"onward apply --db postgres://u@h/d --replica ADDRESS --replica host=r"},
		{[]string{"--db", "env:A", "-v", "-v", "--notify", "https://h/secret", "--health", "secret"}, "", blocked,
			"onward apply --db env:A --health … --notify … --verbose=2"},
		{
			[]string{"--db", "postgres://u:secret@held/d", "--only", "a b", "--only", "c"}, "", blocked,
			"onward apply --db env:HELD_ADDRESS --only 'a b' --only c",
		},
		{[]string{"--db", "env:A", "--source", "db"}, "", &apply.RefusedError{Next: "onward apply --db ADDRESS --adopt"}, "onward apply --db env:A --source db --adopt"},
	} {
		root, cmd := &cobra.Command{Use: "onward"}, &cobra.Command{Use: "apply", RunE: func(*cobra.Command, []string) error { return nil }}
		root.AddCommand(cmd)
		for _, name := range []string{"db", "schema", "plan", "source", "notify", "health"} {
			cmd.Flags().String(name, "", "")
		}
		cmd.Flags().StringArray("replica", nil, "")
		cmd.Flags().StringArray("only", nil, "")
		cmd.Flags().CountP("verbose", "v", "")
		root.SetArgs(append([]string{"apply"}, c.args...))
		if err := root.Execute(); err != nil {
			t.Fatal(err)
		}
		if got := nextCommand(cmd, &onward.Applied{Next: c.next}, c.err); got != c.want {
			t.Errorf("%q, %v: %q, want %q", c.args, c.err, got, c.want)
		}
	}
}
