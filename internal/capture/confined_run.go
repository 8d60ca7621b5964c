package capture

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/onward-sql/onward/internal/adapter/command"
	"github.com/onward-sql/onward/internal/cache"
	"github.com/onward-sql/onward/internal/sandbox"
	"github.com/onward-sql/onward/internal/scratch"
)

// confinedRun is how a command ran.
type confinedRun struct {
	*command.Confinement
	// err is a [*command.Error] or an [*Error]; notes are sentences about what else was seen.
	err   error
	notes []string
}

// runConfined runs a command in a sandbox. env are further variables; the user's variables come after them. port is its database's;
// "" for none. Errors: the context's, and errors of temporary directories.
func (c *Command) runConfined(ctx context.Context, words, env, user []string, port string) (*confinedRun, error) {
	temporary, remove, err := scratch.Make("capture-tmp")
	if err != nil {
		return nil, err
	}
	defer func() { _ = remove() }() // if this fails, the next run tries again
	access := c.Access
	if n, err := strconv.ParseUint(port, 10, 16); err == nil {
		access.Port = uint16(n)
	}
	root, err := filepath.EvalSymlinks(cmp.Or(c.Root, c.Dir))
	if err != nil {
		return nil, err
	}
	access.Write = append([]string{root, temporary}, access.Write...)
	env = slices.Concat(command.Environment(), makeCacheDirs(&access), env, []string{"TMPDIR=" + temporary}, user)
	watch, err := newWatch(port, access.Write)
	if err != nil {
		return nil, err
	}
	access.Mark = watch.mark
	runCtx, cancel := context.WithCancelCause(ctx)
	out := &confinedRun{}
	out.Confinement, out.err = command.RunConfined(runCtx, command.Command{
		Words: words, Dir: c.Dir, Env: env, Timeout: c.runLimit(), Started: func(pid int) {
			watch.followProcess(pid, cancel)
			if c.clients != nil {
				// This process passes connections on from the command's own network. Those that left the tree are searched last.
				c.clients.LetIn(func() []int { return []int{os.Getpid()} }, watch.tree.Members, watch.listMarkedProcesses)
			}
		},
	}, access)
	cause := context.Cause(runCtx)
	cancel(nil)
	out.notes = watch.endProcesses(out.Left)
	for _, gap := range out.Gaps {
		c.Logger.Warn(gap)
	}
	if boundErr := (*boundError)(nil); errors.As(cause, &boundErr) {
		out.err = &Error{words[0] + ": " + boundErr.Error()}
	}
	return out, ctx.Err()
}

// makeCacheDirs makes directories that stay for tools that cannot work without writing in a cache. They are the sandbox's own, and a
// repository's: a branch's code must not change what the user's own builds, or other projects, read. It returns the variables that name them.
func makeCacheDirs(a *sandbox.Access) []string {
	dir := cache.Dir("command")
	if dir == "" || a.Repository == "" {
		return nil
	}
	id := sha256.Sum256([]byte(a.Repository))
	dir = filepath.Join(dir, hex.EncodeToString(id[:8]))
	var env []string
	for name, variable := range map[string]string{"go-build": "GOCACHE", "uv": "UV_CACHE_DIR", "npm": "npm_config_cache"} {
		p := filepath.Join(dir, name)
		if os.MkdirAll(p, 0o700) == nil {
			a.Write = append(a.Write, p)
			env = append(env, fmt.Sprintf("%s=%s", variable, p))
		}
	}
	return env
}
