// Starts `drawloom lsp` for .loom files; colours and brackets need no code.
const { workspace } = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");

let client;

exports.activate = () => {
  const command = workspace.getConfiguration("drawloom").get("command");
  const server = { command, args: ["lsp"] };
  client = new LanguageClient("drawloom", "Drawloom", server, { documentSelector: [{ language: "loom" }] });
  return client.start();
};

exports.deactivate = () => client?.stop();
