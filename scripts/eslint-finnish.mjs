/**
 * ESLint rule: observable values and properties end in `$`, and nothing else does. Functions, methods and operators are plain verbs, whatever they return;
 * the `finnish` rule of eslint-plugin-rxjs-x would rename them, too.
 *
 * The parameter `source` is exempt: RxJS uses this name for the observable that an operator is applied to.
 */
export const finnish = {
  meta: {
    type: "suggestion",
    docs: { description: "Observable values and properties end in $, and nothing else does" },
    messages: {
      missing: 'The name of an observable ends in "$": {{name}}$.',
      surplus: '"{{name}}" is not an observable: only the names of observables end in "$".',
    },
    schema: [],
  },

  create(context) {
    const services = context.sourceCode.parserServices;
    const checker = services.program.getTypeChecker();

    function isObservable(type) {
      if (type.isUnion()) return type.types.some(isObservable);
      const members = checker.getApparentType(type);
      return members.getProperty("pipe") !== undefined && members.getProperty("subscribe") !== undefined;
    }

    /** `any`, `unknown` and `never` say nothing about the value. */
    function isKnown(type) {
      return !["any", "unknown", "never"].includes(checker.typeToString(type));
    }

    function check(node) {
      const { name } = node;
      const type = services.getTypeAtLocation(node);
      if (name === "source" || !isKnown(type) || isObservable(type) === name.endsWith("$")) return;
      context.report({ node, messageId: name.endsWith("$") ? "surplus" : "missing", data: { name } });
    }

    function checkKey({ key, computed }) {
      if (!computed && (key.type === "Identifier" || key.type === "PrivateIdentifier")) check(key);
    }

    return {
      "Program:exit"() {
        const names = context.sourceCode.scopeManager.scopes.flatMap((scope) =>
          scope.variables.flatMap((variable) => variable.defs),
        );
        for (const { type, name } of new Set(names)) if (type === "Variable" || type === "Parameter") check(name);
      },
      PropertyDefinition: checkKey,
      TSAbstractPropertyDefinition: checkKey,
      TSPropertySignature: checkKey,
      "MethodDefinition[kind='get']": checkKey,
    };
  },
};
