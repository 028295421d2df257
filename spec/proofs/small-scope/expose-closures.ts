/** A node of a parsed module (ESTree). */
interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [property: string]: unknown;
}

/** A function of the module, or what is like one to `this`: the value of a class field. */
interface Enclosing {
  readonly parent: Enclosing | undefined;
  readonly isArrow: boolean;
  /** What it uses of the functions around it. */
  readonly captured: Set<string>;
}

interface Scope {
  readonly parent: Scope | undefined;
  /** `undefined`: the module's own. */
  readonly owner: Enclosing | undefined;
  readonly names: Set<string>;
  /** Where a statement can be put that comes before all others. */
  readonly bodyAt: number | undefined;
}

const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && typeof (value as Node).type === "string";
const isFunction = ({ type }: Node): boolean =>
  type === "FunctionDeclaration" || type === "FunctionExpression" || type === "ArrowFunctionExpression";

/**
 * Rewrites a module so that everything that its objects keep can be looked at: `#name` becomes `__name`, and each function that is made inside another is
 * handed to `__c(site, function, () => [what it captured])`, where the site is one number for each place in the source.
 *
 * @param nextSite gives numbers that no other place has
 * @param ignored variables that are not looked at
 */
export function exposeClosures(
  code: string,
  program: unknown,
  nextSite: () => number,
  ignored: readonly string[] = [],
): string {
  const edits: { readonly at: number; readonly remove: number; readonly text: string }[] = [];
  const insert = (at: number, text: string) => edits.push({ at, remove: 0, text });

  const refer = (name: string, from: Scope, within: Enclosing | undefined) => {
    let scope: Scope | undefined = from;
    while (scope !== undefined && !scope.names.has(name)) scope = scope.parent;
    if (scope?.owner === undefined || ignored.includes(name)) return; // the module's, or everybody's: always the same
    for (let one = within; one !== undefined && one !== scope.owner; one = one.parent) one.captured.add(name);
  };
  const thunk = ({ captured }: Enclosing) =>
    captured.size === 0 ? "undefined" : `() => [${[...captured].sort().join(", ")}]`;

  const visitAll = (nodes: unknown, scope: Scope, within: Enclosing | undefined): void => {
    for (const node of nodes as readonly unknown[]) if (isNode(node)) visit(node, scope, within);
  };
  const visitChildren = (
    node: Node,
    scope: Scope,
    within: Enclosing | undefined,
    except: readonly string[] = [],
  ): void => {
    for (const [property, value] of Object.entries(node)) {
      if (except.includes(property)) continue;
      if (Array.isArray(value)) visitAll(value, scope, within);
      else if (isNode(value)) visit(value, scope, within);
    }
  };

  const visitFunction = (node: Node, scope: Scope, within: Enclosing | undefined): Enclosing => {
    const enclosing: Enclosing = {
      parent: within,
      isArrow: node.type === "ArrowFunctionExpression",
      captured: new Set(),
    };
    const body = node.body as Node;
    const names = new Set<string>(enclosing.isArrow ? [] : ["arguments"]);
    if (node.type === "FunctionExpression" && isNode(node.id)) names.add(node.id.name as string);
    for (const parameter of node.params as readonly Node[]) addNames(parameter, names);
    addVars(body, names);
    const inner: Scope = { parent: scope, owner: enclosing, names, bodyAt: undefined };
    visitAll(node.params, inner, enclosing);
    visit(body, inner, enclosing);
    return enclosing;
  };

  const visit = (node: Node, scope: Scope, within: Enclosing | undefined): void => {
    switch (node.type) {
      case "Identifier":
        refer(node.name as string, scope, within);
        return;
      case "ThisExpression":
        for (let one = within; one?.isArrow === true; one = one.parent) one.captured.add("this");
        return;
      case "PrivateIdentifier":
        edits.push({ at: node.start, remove: 1, text: "__" });
        return;
      case "FunctionDeclaration": {
        const enclosing = visitFunction(node, scope, within);
        if (within === undefined) return;
        if (scope.bodyAt === undefined) throw new Error("a function is declared where none was expected");
        insert(scope.bodyAt, ` __c(${nextSite()}, ${(node.id as Node).name as string}, ${thunk(enclosing)});`);
        return;
      }
      case "FunctionExpression":
      case "ArrowFunctionExpression": {
        const site = nextSite();
        const enclosing = visitFunction(node, scope, within);
        insert(node.start, `__c(${site}, `);
        insert(node.end, `, ${thunk(enclosing)})`);
        return;
      }
      case "ClassDeclaration":
      case "ClassExpression": {
        if (isNode(node.superClass)) visit(node.superClass, scope, within);
        for (const member of (node.body as Node).body as readonly Node[]) {
          const { key, value } = member as unknown as { key: Node; value: Node | null };
          if (key.type === "PrivateIdentifier" || member.computed === true) visit(key, scope, within);
          if (value === null) continue;
          if (member.type === "MethodDefinition") {
            if (visitFunction(value, scope, within).captured.size > 0) throw new Error("a method captures something");
          } else {
            visit(value, scope, { parent: within, isArrow: false, captured: new Set() });
          }
        }
        return;
      }
      case "Property": {
        const { key, value } = node as unknown as { key: Node; value: Node };
        if (node.computed === true) visit(key, scope, within);
        if (node.kind !== "init") throw new Error("an accessor in an object");
        if (node.method !== true) {
          visit(value, scope, within);
          return;
        }
        const enclosing = visitFunction(value, scope, within);
        if (within === undefined) return;
        insert(value.start, `: __c(${nextSite()}, function `);
        insert(value.end, `, ${thunk(enclosing)})`);
        return;
      }
      case "MemberExpression":
        visit(node.object as Node, scope, within);
        if (node.computed === true || (node.property as Node).type === "PrivateIdentifier")
          visit(node.property as Node, scope, within);
        return;
      case "BlockStatement":
      case "StaticBlock": {
        visitAll(
          node.body,
          { parent: scope, owner: within, names: blockNames(node.body as readonly Node[]), bodyAt: node.start + 1 },
          within,
        );
        return;
      }
      case "ForStatement":
      case "ForInStatement":
      case "ForOfStatement": {
        const heads = [node.init, node.left].filter(isNode);
        visitChildren(node, { parent: scope, owner: within, names: blockNames(heads), bodyAt: undefined }, within);
        return;
      }
      case "SwitchStatement": {
        const cases = node.cases as readonly Node[];
        visitChildren(
          node,
          {
            parent: scope,
            owner: within,
            names: blockNames(cases.flatMap((one) => one.consequent as readonly Node[])),
            bodyAt: undefined,
          },
          within,
        );
        return;
      }
      case "CatchClause": {
        const names = new Set<string>();
        if (isNode(node.param)) addNames(node.param, names);
        visitChildren(node, { parent: scope, owner: within, names, bodyAt: undefined }, within);
        return;
      }
      case "ImportDeclaration":
      case "ExportAllDeclaration":
      case "MetaProperty":
        return;
      case "ExportNamedDeclaration":
        if (isNode(node.declaration)) visit(node.declaration, scope, within);
        return;
      case "LabeledStatement":
      case "BreakStatement":
      case "ContinueStatement":
        visitChildren(node, scope, within, ["label"]);
        return;
      default:
        visitChildren(node, scope, within);
    }
  };

  visitAll(
    (program as Node).body,
    { parent: undefined, owner: undefined, names: new Set(), bodyAt: undefined },
    undefined,
  );

  // Of several at one place, the inner function's end was noted first.
  let rewritten = "";
  let done = 0;
  for (const { at, remove, text } of edits.sort((a, b) => a.at - b.at)) {
    rewritten += code.slice(done, at) + text;
    done = at + remove;
  }
  return rewritten + code.slice(done);
}

/** The names that a pattern declares. */
function addNames(pattern: Node, names: Set<string>): void {
  switch (pattern.type) {
    case "Identifier":
      names.add(pattern.name as string);
      return;
    case "ObjectPattern":
      for (const property of pattern.properties as readonly Node[])
        addNames((property.type === "RestElement" ? property.argument : property.value) as Node, names);
      return;
    case "ArrayPattern":
      for (const element of pattern.elements as readonly (Node | null)[])
        if (element !== null) addNames(element, names);
      return;
    case "AssignmentPattern":
      addNames(pattern.left as Node, names);
      return;
    case "RestElement":
      addNames(pattern.argument as Node, names);
      return;
    default:
      throw new Error(`a pattern that is none: ${pattern.type}`);
  }
}

/** The names that `let`, `const`, `class` and `function` declare in a block. */
function blockNames(statements: readonly Node[]): Set<string> {
  const names = new Set<string>();
  for (const statement of statements) {
    if (statement.type === "VariableDeclaration")
      for (const { id } of statement.declarations as readonly { id: Node }[]) addNames(id, names);
    else if (statement.type === "FunctionDeclaration" || statement.type === "ClassDeclaration")
      names.add((statement.id as Node).name as string);
  }
  return names;
}

/** The names that `var` declares anywhere in a function. */
function addVars(node: Node, names: Set<string>): void {
  if (node.type === "VariableDeclaration" && node.kind === "var")
    for (const { id } of node.declarations as readonly { id: Node }[]) addNames(id, names);
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? (value as unknown[]) : [value])
      if (isNode(child) && !isFunction(child)) addVars(child, names);
  }
}
