package pgserver

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/xi2/xz"

	"github.com/onward-sql/onward/onward"
)

// maxArchive limits the download; the archives have 10 to 20 MB.
const maxArchive = 200 << 20

var errNoDownload = errors.New("not allowed")

// sourceVariable selects the servers. "downloaded" ignores installed servers, so that the same version runs everywhere,
// to the minor version.
const sourceVariable = "ONWARD_POSTGRES"

// Downloaded is the value of the variable ONWARD_POSTGRES that ignores installed servers. A version without a download
// for this platform is still taken from this machine.
const Downloaded = "downloaded"

// UseDownloaded makes this process and its children ignore installed servers, unless the environment says otherwise.
func UseDownloaded() error {
	if os.Getenv(sourceVariable) != "" {
		return nil
	}
	return os.Setenv(sourceVariable, Downloaded)
}

// ensureInstall returns an installation of the major version (0: the newest installed one, else the newest available),
// downloading the binaries into the user's cache directory if none is installed. Several processes may call it at the
// same time; one downloads. The error is a [*MissingError] if there is no way to get one.
func ensureInstall(ctx context.Context, major int, noDownload bool, log *slog.Logger) (Install, error) {
	a, hasArtifact := findArtifact(cmp.Or(major, onward.NewestMajor))
	missing := &MissingError{Major: major, Looked: []string{"the cache only (" + sourceVariable + "=" + Downloaded + ")"}, Err: errNoDownload}
	if !hasArtifact || os.Getenv(sourceVariable) != Downloaded {
		var installs []Install
		installs, missing.Looked, missing.Unfit = findInstalls()
		for _, install := range installs {
			supported := install.Major >= onward.OldestMajor && install.Major <= onward.NewestMajor
			if install.Major == major || major == 0 && supported {
				return install, nil
			}
		}
	}
	if !hasArtifact {
		if !noDownload {
			missing.Err = errors.New("there are no binaries of that version for this platform")
		}
		return Install{}, missing
	}
	bin, err := ensureFetchedBin(ctx, a, noDownload, log)
	if err != nil {
		missing.Err = err
		return Install{}, missing
	}
	install, err := inspectInstall("cache", bin)
	if err != nil {
		missing.Err = err
		return Install{}, missing
	}
	return install, nil
}

// ensureFetchedBin returns the directory of an artifact's binaries in the cache. They are downloaded if they are missing.
func ensureFetchedBin(ctx context.Context, a artifact, noDownload bool, log *slog.Logger) (string, error) {
	if !noDownload {
		return fetchArtifact(ctx, a, log)
	}
	root, err := CacheDir()
	if err != nil {
		return "", err
	}
	bin := filepath.Join(a.cacheDir(root), "bin")
	if !pathExists(bin) {
		return "", errNoDownload
	}
	return bin, nil
}

// fetchArtifact downloads and unpacks an archive into the cache and returns its directory of binaries.
func fetchArtifact(ctx context.Context, a artifact, log *slog.Logger) (string, error) {
	root, err := CacheDir()
	if err != nil {
		return "", err
	}
	final := a.cacheDir(root)
	return filepath.Join(final, "bin"), buildOnce(ctx, final, func(staging string, _ *os.File) error {
		log.Info("downloading Postgres binaries", "version", a.version, "from", a.downloadURL())
		jar, err := downloadArchive(ctx, a.downloadURL(), a.sha256)
		if err != nil {
			return err
		}
		return unpackArchive(jar, staging)
	})
}

// downloadArchive gets an archive and checks it against the known digest.
func downloadArchive(ctx context.Context, url, digest string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("get %s: %s", url, resp.Status)
	}
	jar, err := io.ReadAll(io.LimitReader(resp.Body, maxArchive))
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", url, err)
	}
	if sum := sha256.Sum256(jar); hex.EncodeToString(sum[:]) != digest {
		return nil, fmt.Errorf("get %s: its content is not the expected one: SHA-256 is %x, expected %s", url, sum, digest)
	}
	return jar, nil
}

// unpackArchive extracts the binaries of a jar (a tar.xz inside the zip) to dir.
func unpackArchive(jar []byte, dir string) error {
	archive, err := zip.NewReader(bytes.NewReader(jar), int64(len(jar)))
	if err != nil {
		return fmt.Errorf("read the archive: %w", err)
	}
	for _, entry := range archive.File {
		if !strings.HasSuffix(entry.Name, ".txz") {
			continue
		}
		packed, err := entry.Open()
		if err != nil {
			return fmt.Errorf("read %s in the archive: %w", entry.Name, err)
		}
		defer packed.Close()
		plain, err := xz.NewReader(packed, 0)
		if err != nil {
			return fmt.Errorf("read %s in the archive: %w", entry.Name, err)
		}
		return untar(tar.NewReader(plain), dir)
	}
	return errors.New("read the archive: no .txz file in it")
}

// untar extracts through an os.Root, so that no entry can be written outside of dir.
func untar(archive *tar.Reader, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("unpack: %w", err)
		}
		name := filepath.Clean(header.Name)
		mode := header.FileInfo().Mode().Perm() | 0o444
		if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return fmt.Errorf("unpack: %w", err)
		}
		switch header.Typeflag {
		case tar.TypeDir:
			mode |= 0o755
			err = root.MkdirAll(name, mode)
		case tar.TypeReg:
			err = writeFile(root, name, archive)
		case tar.TypeSymlink:
			if err := root.Symlink(header.Linkname, name); err != nil {
				return fmt.Errorf("unpack: %w", err)
			}
			continue
		default:
			continue // these archives contain nothing else
		}
		if err == nil {
			err = root.Chmod(name, mode) // whatever the umask
		}
		if err != nil {
			return fmt.Errorf("unpack: %w", err)
		}
	}
}

func writeFile(root *os.Root, name string, content io.Reader) error {
	f, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := io.Copy(f, content); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
