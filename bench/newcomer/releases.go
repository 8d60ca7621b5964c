// Package newcomer installs onward as a new user does: from a server of releases, with the commands of the README's quick
// start. Tests and the benchmark install use it.
package newcomer

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"time"
)

// Releases are the files of each version ("1.2.3"), by name. It serves them as GitHub does, below any path:
// download/v1.2.3/FILE, and latest/download/FILE for the version Latest.
type Releases struct {
	Latest string
	Files  map[string]map[string][]byte
}

var place = regexp.MustCompile(`/(?:latest/download|download/v([^/]+))/([^/]+)$`)

// ServeHTTP answers 404 for what is not released.
func (r *Releases) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	match := place.FindStringSubmatch(q.URL.Path)
	if match == nil {
		http.NotFound(w, q)
		return
	}
	version := match[1]
	if version == "" {
		version = r.Latest
	}
	data, ok := r.Files[version][match[2]]
	if !ok {
		http.NotFound(w, q)
		return
	}
	_, _ = w.Write(data) // a client that is gone is seen by its exit code
}

// Archive is the name of this system's archive of a version.
func Archive(version string) string {
	return fmt.Sprintf("onward_%s_%s_%s.tar.gz", version, runtime.GOOS, runtime.GOARCH)
}

// Pack makes an archive that has a program as onward.
func Pack(program []byte) ([]byte, error) {
	var out bytes.Buffer
	packed, err := gzip.NewWriterLevel(&out, gzip.BestSpeed)
	if err != nil {
		return nil, err
	}
	files := tar.NewWriter(packed)
	if err := files.WriteHeader(&tar.Header{Name: "onward", Mode: 0o755, Size: int64(len(program))}); err != nil {
		return nil, err
	}
	_, err = files.Write(program)
	err = errors.Join(err, files.Close(), packed.Close())
	return out.Bytes(), err
}

// Sums is the text of checksums.txt for files.
func Sums(files map[string][]byte) []byte {
	var out bytes.Buffer
	for name, data := range files {
		fmt.Fprintf(&out, "%x  %s\n", sha256.Sum256(data), name)
	}
	return out.Bytes()
}

// LoadReleases reads the files that goreleaser left in a directory as the release of their version, and installer as
// its install.sh.
func LoadReleases(dir, installer string) (*Releases, error) {
	files := map[string][]byte{}
	list, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range list {
		if !e.Type().IsRegular() {
			continue
		}
		if files[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
			return nil, err
		}
	}
	if files["install.sh"], err = os.ReadFile(installer); err != nil {
		return nil, err
	}
	end := strings.TrimPrefix(Archive(""), "onward_")
	for name := range files {
		if version, isArchive := strings.CutSuffix(strings.TrimPrefix(name, "onward_"), end); isArchive && version != name {
			return &Releases{Latest: version, Files: map[string]map[string][]byte{version: files}}, nil
		}
	}
	return nil, fmt.Errorf("%s has no archive for %s/%s: run make snapshot", dir, runtime.GOOS, runtime.GOARCH)
}

// Build makes a release, 0.0.1, of the onward whose module is in a directory.
func Build(ctx context.Context, root string) (*Releases, error) {
	dir, err := os.MkdirTemp("", "onward-newcomer-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := buildProgram(ctx, root, filepath.Join(dir, "onward")); err != nil {
		return nil, err
	}
	program, err := os.ReadFile(filepath.Join(dir, "onward"))
	if err != nil {
		return nil, err
	}
	archive, err := Pack(program)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{Archive("0.0.1"): archive}
	files["checksums.txt"] = Sums(files)
	if files["install.sh"], err = os.ReadFile(filepath.Join(root, "install.sh")); err != nil {
		return nil, err
	}
	return &Releases{Latest: "0.0.1", Files: map[string]map[string][]byte{"0.0.1": files}}, nil
}

func buildProgram(ctx context.Context, root, program string) error {
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", program, "./cmd/onward")
	build.Dir, build.Env = root, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build onward: %w: %s", err, out)
	}
	return nil
}

// Serve serves a handler over TLS as github.com to each curl that has home as its HOME, until stop is called.
func Serve(home string, handler http.Handler) (stop func(), err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "releases"}, DNSNames: []string{"github.com"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	authority := filepath.Join(home, ".releases.pem")
	if err := os.WriteFile(authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), 0o600); err != nil {
		return nil, err
	}
	server := httptest.NewUnstartedServer(handler)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{cert}, PrivateKey: key}}}
	server.StartTLS()
	settings := fmt.Sprintf("cacert = %q\nconnect-to = \"github.com:443:%s\"\nnoproxy = \"*\"\n", authority, server.Listener.Addr())
	if err := os.WriteFile(filepath.Join(home, ".curlrc"), []byte(settings), 0o600); err != nil {
		server.Close()
		return nil, err
	}
	return server.Close, nil
}
