// What the suite starts as the client: it tells the test, which is the client, where the suite's
// server is, and ends as the test says.
const [control, serverUrl] = process.argv.slice(2);
const { ok } = await fetch(control, { method: 'POST', body: serverUrl });
process.exitCode = ok ? 0 : 1;
