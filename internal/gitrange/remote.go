package gitrange

import (
	"context"
	"net/url"
	"strings"
)

// Host is where the repository's remote is, without a port: "github.com". "" when there is no
// remote, or it is a directory.
func (r *Repo) Host() string {
	if len(r.remotes) == 0 {
		return ""
	}
	return r.hosts[r.remotes[0]]
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
	if at := strings.LastIndexByte(host, '@'); at >= 0 {
		host = host[at+1:]
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
	found, err := r.defaultBase(ctx)
	if err != nil {
		return "", false, err
	}
	return found.name, len(r.remotes) > 0 && strings.HasPrefix(found.name, r.remotes[0]+"/"), nil
}
