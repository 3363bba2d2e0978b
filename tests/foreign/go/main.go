// Checks the batch log of an evidence package with the Go project's own code for signed notes and
// transparency logs, golang.org/x/mod/sumdb. Nothing of this repository is used.
//
//	check VKEY FOLDER
//
// For every data/batches/B.tlog-proof under FOLDER it opens the checkpoint with the verifier key and
// checks that data/batches/B.json is record B under it; then it checks every proof of
// data/batches/consistency.json between the checkpoints. Exit 0 if all hold, 1 if one does not.
package main

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type consistency struct {
	Proofs []struct {
		From, To int64
		Path     []string
	}
}

func main() {
	if len(os.Args) != 3 {
		fail("usage: check VKEY FOLDER")
	}
	verifier, err := note.NewVerifier(os.Args[1])
	must("the verifier key", err)
	batches := filepath.Join(os.Args[2], "data", "batches")
	proofs, err := filepath.Glob(filepath.Join(batches, "*.tlog-proof"))
	must("the folder", err)
	if len(proofs) == 0 {
		fail("no tlog-proof in " + batches)
	}
	roots := map[int64]tlog.Hash{}
	for _, path := range proofs {
		checkBatch(path, note.VerifierList(verifier), roots)
	}
	joined := checkConsistency(filepath.Join(batches, "consistency.json"), roots)
	fmt.Printf("%d batches, %d checkpoints, %d consistency proofs hold\n", len(proofs), len(roots), joined)
}

// checkBatch checks one header under its checkpoint and notes the checkpoint's root by its size.
func checkBatch(path string, known note.Verifiers, roots map[int64]tlog.Hash) {
	content, err := os.ReadFile(path)
	must(path, err)
	halves := strings.SplitN(string(content), "\n\n", 2)
	if len(halves) != 2 {
		fail(path + " has no empty line")
	}
	lines := strings.Split(halves[0], "\n")
	if len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" {
		fail(path + " is no tlog-proof")
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64)
	must(path, err)
	var proof tlog.RecordProof
	for _, line := range lines[2:] {
		proof = append(proof, hash(base64.StdEncoding.DecodeString(line)))
	}
	opened, err := note.Open([]byte(halves[1]), known)
	must(path+", checkpoint", err)
	text := strings.Split(opened.Text, "\n")
	size, err := strconv.ParseInt(text[1], 10, 64)
	must(path+", size", err)
	root := hash(base64.StdEncoding.DecodeString(text[2]))
	header, err := os.ReadFile(strings.TrimSuffix(path, ".tlog-proof") + ".json")
	must(path, err)
	must(path, tlog.CheckRecord(proof, size, root, index, tlog.RecordHash(header)))
	roots[size] = root
}

// checkConsistency checks every proof of the file and says how many there are.
func checkConsistency(path string, roots map[int64]tlog.Hash) int {
	content, err := os.ReadFile(path)
	must(path, err)
	var document consistency
	must(path, json.Unmarshal(content, &document))
	for _, one := range document.Proofs {
		var proof tlog.TreeProof
		for _, text := range one.Path {
			proof = append(proof, hash(hex.DecodeString(text)))
		}
		must(path, tlog.CheckTree(proof, one.To, roots[one.To], one.From, roots[one.From]))
	}
	return len(document.Proofs)
}

func hash(raw []byte, err error) tlog.Hash {
	var h tlog.Hash
	if err != nil || len(raw) != len(h) {
		fail(fmt.Sprintf("want a hash of %d bytes, got %d", len(h), len(raw)))
	}
	copy(h[:], raw)
	return h
}

func must(what string, err error) {
	if err != nil {
		fail(what + ": " + err.Error())
	}
}

func fail(message string) {
	fmt.Fprintln(os.Stderr, message)
	os.Exit(1)
}
