export declare const generatedFile: URL;
export declare function compileShaders(): Promise<string>;
