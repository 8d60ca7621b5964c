package gitrange

import (
	"context"
	"fmt"
	"net/url"
	"strings"
)

// Host returns the host of the repository's remote, without a port: "github.com". It is "" if there is no
// remote, or the remote is a directory.
func (r *Repo) Host() string {
	if len(r.remotes) == 0 {
		return ""
	}
	return r.hosts[r.remotes[0]]
}

// Remote returns the most likely remote, "" if there is none. fetched reports whether this clone has branches of it.
func (r *Repo) Remote(ctx context.Context) (name string, fetched bool, err error) {
	if len(r.remotes) == 0 {
		return "", false, nil
	}
	out, err := r.git.runForOutput(ctx, "for-each-ref", "--count=1", "--format=%(refname)", "refs/remotes/"+r.remotes[0]+"/")
	if err != nil {
		return "", false, fmt.Errorf("look for the branches of %s: %w", r.remotes[0], err)
	}
	return r.remotes[0], len(out) > 0, nil
}

// hostOf is the host in the address of a remote: a URL, or host:path as ssh has it.
func hostOf(address string) string {
	if strings.Contains(address, "://") {
		u, err := url.Parse(address)
		if err != nil {
			return ""
		}
		return strings.ToLower(u.Hostname())
	}
	host, _, ok := strings.Cut(address, ":")
	if atSign := strings.LastIndexByte(host, '@'); atSign >= 0 {
		host = host[atSign+1:]
	}
	if !ok || len(host) < 2 || strings.ContainsAny(host, `/\`) { // a path, and one of Windows
		return ""
	}
	return strings.ToLower(host)
}

// Default is the branch that releases usually start from, as [Repo.Base] takes it: "origin/main".
// remote: it is one of the remote's.
//
// Errors: [*NoBaseError].
func (r *Repo) Default(ctx context.Context) (branch string, remote bool, err error) {
	found, err := r.findDefaultBase(ctx)
	if err != nil {
		return "", false, err
	}
	return found.name, len(r.remotes) > 0 && strings.HasPrefix(found.name, r.remotes[0]+"/"), nil
}
