package jsrun

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/cache"
)

// question is an import of a program: the files that it may mean, the first of them that exists, and the hash of its text. A result
// holds as long as all its questions have the same answers.
type question struct {
	Candidates []string `json:"c"`
	Name       string   `json:"n,omitempty"`
	Sum        string   `json:"s,omitempty"`
}

// hashText returns the hash of some texts, in hexadecimal digits.
func hashText(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// keptResults are the results of earlier runs. fresh are new ones.
type keptResults struct {
	store *cache.Store
	fresh map[string][]byte
}

// session has the results of texts that somebody edits, by their keys. They are kept until this process ends. It is nil unless
// [KeepForSession] was called. sessionSize is their size in bytes.
var (
	session     map[string][]byte
	sessionSize int
)

// mostSession bounds the results of a session, in bytes.
const mostSession = 32 << 20

// KeepForSession is for a program that judges each version of a text. The result of one new program alone is then not written
// into the cache.
func KeepForSession() {
	oneRun.Lock()
	defer oneRun.Unlock()
	session = map[string][]byte{}
}

// resultVersion changes if the same program has another result, although the prelude is the same.
const resultVersion = "6"

// openResults opens the results for the directory of some programs.
func openResults(jobs []Job) keptResults {
	if len(jobs) == 0 {
		return keptResults{store: cache.Open("", "", "")}
	}
	return keptResults{
		store: cache.Open(cache.Dir("programs"), hashText(path.Dir(jobs[0].Path)), resultVersion+" "+hashPreludes()), fresh: map[string][]byte{},
	}
}

// entry is a kept result, with the files on which it depends.
type entry struct {
	Asked  []question `json:"asked,omitempty"`
	Result Result     `json:"result"`
}

// mostKept bounds the texts that one run keeps in memory.
const mostKept = 64 << 20

// textKeeper asks for the same files once.
type textKeeper struct {
	files Files
	kept  map[string]foundFile
	size  int
}

// foundFile is the answer to a question for a file; name is "" if there is none.
type foundFile struct{ name, text, sum string }

// findIfFilesUnchanged returns the first of some files that there is. A file that is too long counts as missing.
func (k *textKeeper) findIfFilesUnchanged(candidates ...string) foundFile {
	key := strings.Join(candidates, "\x00")
	f, ok := k.kept[key]
	if ok {
		return f
	}
	if f.name, f.text = k.files(candidates...); len(f.text) > mostFileSize {
		f = foundFile{}
	}
	if f.name != "" {
		f.sum = hashText(f.text)
	}
	if k.size += len(f.text); k.size < mostKept {
		k.kept[key] = f
	}
	return f
}

func jobKey(j Job, files *textKeeper) string {
	return hashText(j.Path, j.Tool, j.Client, strconv.FormatBool(j.Bare), strconv.FormatBool(j.Joins), j.Settings, files.findIfFilesUnchanged(j.Path).sum)
}

// find reads a kept result, if all files are the same that its program got.
func (k keptResults) find(key string, files *textKeeper, result *Result) bool {
	data, ok := k.store.Get(key)
	if !ok {
		data, ok = session[key]
	}
	if !ok {
		return false
	}
	var e entry
	if json.Unmarshal(data, &e) != nil {
		return false
	}
	for _, q := range e.Asked {
		if f := files.findIfFilesUnchanged(q.Candidates...); f.name != q.Name || f.sum != q.Sum {
			return false
		}
	}
	*result = e.Result
	return true
}

// put keeps the result of a program that is in the file ownPath. The key has that file's text, and a file that was found makes the
// candidates after it meaningless.
func (k keptResults) put(key, ownPath string, asked []question, result Result) {
	var needed []question
	for _, q := range asked {
		if i := slices.Index(q.Candidates, q.Name); i >= 0 {
			q.Candidates = q.Candidates[:i+1]
		}
		if !slices.Equal(q.Candidates, []string{ownPath}) {
			needed = append(needed, q)
		}
	}
	if data, err := json.Marshal(entry{needed, result}); err == nil {
		k.fresh[key] = data
	}
}

// save writes the new results. One that is not kept is made again.
func (k keptResults) save() {
	if session != nil && len(k.fresh) == 1 {
		for key, data := range k.fresh {
			if sessionSize += len(data); sessionSize > mostSession {
				clear(session)
				sessionSize = len(data)
			}
			session[key] = data
		}
		return
	}
	for key, data := range k.fresh {
		k.store.Put(key, data)
	}
	_ = k.store.Save()
}
